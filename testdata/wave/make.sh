#!/bin/sh
# Regenerates the WAVE and AIFF files in this folder: 50 ms of a sweep as an intact file, and as
# pipes, crashes and recorders leave it. Needs sox and ffmpeg.
set -eu
cd "$(dirname "$0")"

sox -R -n -r 16000 -c 1 -b 16 whole.wav synth 0.05 sine 400:3000 gain -6

# In a pipe, ffmpeg cannot go back to write the sizes. It leaves all bits set in RIFF, 0 in the
# ds64 of RF64, and the largest signed number in W64.
ffmpeg -v error -i whole.wav -bitexact -f wav - | cat >pipe.wav
ffmpeg -v error -i whole.wav -bitexact -rf64 always -f wav - | cat >pipe.rf64
ffmpeg -v error -i whole.wav -bitexact -f w64 - | cat >pipe.w64
# In AIFF it leaves 0, for the number of frames too.
ffmpeg -v error -i whole.wav -bitexact -f aiff - | cat >pipe.aiff

set_size() { # file, byte, value in octal escapes
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# A recorder that lost power leaves sizes of 0, the sizes last written (400 samples), or those of
# a longer file of which only a part exists.
cp whole.wav no-size.wav
set_size no-size.wav 4 '\000\000\000\000'
set_size no-size.wav 40 '\000\000\000\000'
cp whole.wav old-size.wav
set_size old-size.wav 4 '\104\003\000\000'
set_size old-size.wav 40 '\040\003\000\000'
dd if=whole.wav of=cut-off.wav bs=1 count=1001 2>/dev/null
ffmpeg -v error -i whole.wav -bitexact -c:a pcm_s16le -f aiff whole.aifc
dd if=whole.aifc of=cut-off.aifc bs=1 count=1029 2>/dev/null
rm whole.aifc

# Metadata of odd size before and after the samples: padded, as it should be, with a data size
# of 0; and unpadded, with the true size.
metadata() {
    printf 'guan\053\000\000\000GUANO|Version: 1.0\nLoc Position: 1 2\nTE: 1\n'
}
padded() {
    metadata && printf '\000'
}
{ head -c 36 no-size.wav; padded; tail -c +37 no-size.wav; padded; } >no-size-guano.wav
{ head -c 36 whole.wav; metadata; tail -c +37 whole.wav; metadata; } >unpadded.wav

# 24 bits make an extensible header; A-law adds a "fact" chunk.
sox -R -n -r 16000 -c 2 -b 24 extensible.wav synth 0.01 sine 400 gain -6
sox -R -n -r 8000 -c 1 -e a-law a-law.wav synth 0.05 sine 400 gain -6
