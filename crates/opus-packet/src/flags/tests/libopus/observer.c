/* What libopus reads from the symbols of each packet, observed by wrapping its own functions.
 *
 * observer encode CHANNELS FRAMESIZE [REQUEST=VALUE[,VALUE...][/PERIOD]]... < PCM > PACKETS
 *   Encodes 16-bit PCM at 48 kHz. Requests are CTLs of the encoder; of several values, the next
 *   one is set every PERIOD packets.
 * observer decode < PACKETS > LINES
 *   Decodes packets of one frame with one decoder and prints a line for each.
 *
 * PACKETS is, for each, its length in two bytes (little endian) and its bytes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "opus.h"
#include "opus_types.h"
#include "entdec.h"

typedef struct OpusCustomDecoder CELTDecoder;
typedef struct OpusCustomMode CELTMode;

/* The beginning of libopus' private structure. */
typedef struct {
    const void *mode;
    int overlap, channels, stream_channels, downsample, start, end, signalling, disable_inv, arch;
    opus_uint32 rng;
    int error, last_pitch_index, loss_count, skip_plc;
    int period, period_old;
    float gain, gain_old;
    int tapset, tapset_old;
} CeltState;

/* What is observed of the current packet. */
static char line[1000];
static int silk_bits, silk_done, silence, transient, intra;
static opus_uint32 silk_range;
static int direction;

static void say(const char *format, ...) {
    va_list list;
    size_t used = strlen(line);
    va_start(list, format);
    vsnprintf(line + used, sizeof line - used, format, list);
    va_end(list);
}

int __real_ec_dec_bit_logp(ec_dec *dec, unsigned log);
int __wrap_ec_dec_bit_logp(ec_dec *dec, unsigned log) {
    int bit = __real_ec_dec_bit_logp(dec, log);
    if (log == 15) silence = bit;
    if (silk_done && log == 1) direction = bit;
    return bit;
}

int __real_silk_Decode(void *, void *, int, int, ec_dec *, opus_int16 *, opus_int32 *, int);
int __wrap_silk_Decode(void *state, void *control, int lost, int first, ec_dec *dec,
                       opus_int16 *out, opus_int32 *samples, int arch) {
    int result;
    silk_done = 0;
    result = __real_silk_Decode(state, control, lost, first, dec, out, samples, arch);
    if (!lost) {
        silk_done = 1;
        silk_bits = ec_tell(dec);
        silk_range = dec->rng;
    }
    return result;
}

void __real_unquant_coarse_energy(const CELTMode *, int, int, float *, int, ec_dec *, int, int);
void __wrap_unquant_coarse_energy(const CELTMode *mode, int start, int end, float *energies,
                                  int is_intra, ec_dec *dec, int channels, int size) {
    intra = is_intra;
    __real_unquant_coarse_energy(mode, start, end, energies, is_intra, dec, channels, size);
}

void __real_quant_all_bands(int, const CELTMode *, int, int, float *, float *, unsigned char *,
                            const float *, int *, int, int, int, int, int *, opus_int32,
                            opus_int32, ec_ctx *, int, int, opus_uint32 *, int, int, int);
void __wrap_quant_all_bands(int encode, const CELTMode *a, int b, int c, float *d, float *e,
                            unsigned char *f, const float *g, int *h, int short_blocks, int i,
                            int j, int k, int *l, opus_int32 m, opus_int32 n, ec_ctx *o, int p,
                            int q, opus_uint32 *r, int s, int t, int u) {
    transient = short_blocks != 0;
    __real_quant_all_bands(encode, a, b, c, d, e, f, g, h, short_blocks, i, j, k, l, m, n, o, p,
                           q, r, s, t, u);
}

int __real_celt_decode_with_ec(CELTDecoder *, const unsigned char *, int, float *, int, ec_dec *,
                               int);
int __wrap_celt_decode_with_ec(CELTDecoder *decoder, const unsigned char *data, int len,
                               float *pcm, int samples, ec_dec *dec, int accum) {
    const CeltState *state = (const CeltState *)decoder;
    int result, exhausted = dec && ec_tell(dec) >= 8 * len;
    silence = transient = intra = silk_done = 0;
    result = __real_celt_decode_with_ec(decoder, data, len, pcm, samples, dec, accum);
    silence |= exhausted;
    /* Not what is made up where modes change, nor the silence after a hybrid frame. */
    if (!data || (!dec && samples == 120)) return result;
    if (len <= 1) {
        say(" concealed");
        return result;
    }
    if (!dec) say(" redundant %d %d", direction, len);
    say(" celt %d %d %d", silence, transient, intra);
    if (state->gain != 0)
        say(" filter %d %d %d", state->period, (int)(state->gain / .09375f + .5f), state->tapset);
    return result;
}

static int read_packet(unsigned char *packet) {
    int low = getchar(), high = getchar();
    if (high == EOF) return -1;
    return (int)fread(packet, 1, low | high << 8, stdin);
}

static int decode(void) {
    static unsigned char packet[70000];
    static float pcm[2 * 5760];
    int len, error;
    OpusDecoder *decoder = opus_decoder_create(48000, 2, &error);
    while ((len = read_packet(packet)) >= 0) {
        line[0] = 0;
        silk_bits = silk_range = 0;
        /* An error comes after the symbols that matter here. */
        (void)!opus_decode_float(decoder, packet, len, pcm, 5760, 0);
        printf("silk %d %u%s\n", silk_bits, silk_range, line);
    }
    return 0;
}

/* The value of a request for a packet. */
static void set(OpusEncoder *encoder, const char *request, long packet) {
    char *rest;
    long id = strtol(request, &rest, 10), values[8], count = 0, period = 1;
    do values[count++] = strtol(rest + 1, &rest, 10);
    while (*rest == ',');
    if (*rest == '/') period = strtol(rest + 1, NULL, 10);
    if (packet % period == 0 && (packet == 0 || count > 1))
        if (opus_encoder_ctl(encoder, (int)id, (opus_int32)values[packet / period % count])) {
            fprintf(stderr, "cannot set %s\n", request);
            exit(1);
        }
}

static int encode(int count, char **arguments) {
    static opus_int16 pcm[2 * 5760];
    static unsigned char packet[4000];
    int channels = atoi(arguments[0]), samples = atoi(arguments[1]), error, i, len;
    OpusEncoder *encoder = opus_encoder_create(48000, channels, OPUS_APPLICATION_AUDIO, &error);
    long number;
    for (number = 0; fread(pcm, 2 * channels, samples, stdin) == (size_t)samples; number++) {
        for (i = 2; i < count; i++) set(encoder, arguments[i], number);
        len = opus_encode(encoder, pcm, samples, packet, sizeof packet);
        if (len < 0) return 1;
        putchar(len & 255);
        putchar(len >> 8);
        fwrite(packet, 1, len, stdout);
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count > 3 && !strcmp(arguments[1], "encode")) return encode(count - 2, arguments + 2);
    return decode();
}
