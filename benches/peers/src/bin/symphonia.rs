//! symphonia with the libopus of symphonia-adapter-libopus.

use std::fs::File;

use opus_zarr_peers::{SECOND, serve};
use symphonia::core::{
    codecs::{
        audio::{AudioDecoder, AudioDecoderOptions},
        registry::CodecRegistry,
    },
    formats::{FormatReader, SeekMode, SeekTo, TrackType, probe::Hint},
    io::MediaSourceStream,
    units::Timestamp,
};
use symphonia_adapter_libopus::OpusDecoder;

fn main() {
    let path = std::env::args().nth(1).unwrap();
    serve("symphonia 0.6 with symphonia-adapter-libopus 0.3", || {
        let mut file = Opened::new(&path);
        move |at| file.second(at)
    });
}

struct Opened {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    channels: usize,
    pre_skip: u64,
}

impl Opened {
    fn new(path: &str) -> Self {
        let stream =
            MediaSourceStream::new(Box::new(File::open(path).unwrap()), Default::default());
        let probe = symphonia::default::get_probe();
        let format =
            probe.probe(&Hint::new(), stream, Default::default(), Default::default()).unwrap();
        let track = format.default_track(TrackType::Audio).unwrap();
        let params = track.codec_params.as_ref().unwrap().audio().unwrap();
        let mut codecs = CodecRegistry::new();
        codecs.register_audio_decoder::<OpusDecoder>();
        let decoder = codecs.make_audio_decoder(params, &AudioDecoderOptions::default()).unwrap();
        let channels = params.channels.as_ref().unwrap().count();
        let (track, pre_skip) = (track.id, u64::from(track.delay.unwrap()));
        let mut opened = Self { format, decoder, track, channels, pre_skip };
        // The adapter removes the pre-skip from the first packet that it decodes, whichever that is.
        // Let it be the first of the file.
        let first = opened.format.next_packet().unwrap().unwrap();
        opened.decoder.decode(&first).unwrap();
        opened
    }

    fn second(&mut self, at: u64) -> Vec<f32> {
        // Timestamps are granule positions, and count the pre-skip.
        let start = at + self.pre_skip;
        let ts = Timestamp::from(i64::try_from(start.saturating_sub(PRE_ROLL)).unwrap());
        let to = SeekTo::Timestamp { ts, track_id: self.track };
        let seeked = self.format.seek(SeekMode::Accurate, to).unwrap();
        self.decoder.reset();
        let skipped = start - u64::try_from(seeked.actual_ts.get()).unwrap();
        let skipped = usize::try_from(skipped).unwrap() * self.channels;
        let wanted = usize::try_from(SECOND).unwrap() * self.channels;
        let mut samples = Vec::with_capacity(skipped + wanted + 5760 * self.channels);
        while samples.len() < skipped + wanted {
            let packet = self.format.next_packet().unwrap().unwrap();
            let audio = self.decoder.decode(&packet).unwrap();
            let from = samples.len();
            samples.resize(from + audio.samples_interleaved(), 0.0);
            audio.copy_to_slice_interleaved(&mut samples[from..]);
        }
        samples.drain(..skipped);
        samples.truncate(wanted);
        samples
    }
}

/// symphonia has no pre-roll of its own. RFC 7845 asks for 80 ms.
const PRE_ROLL: u64 = 3840;
