use std::{fs::File, process::Command};

use magnum_opus::{Application as Usage, Bitrate as Rate, Channels as Layout, Encoder as Peer};
use ogg_opus_demux::OggOpusWriter;
use opus_encode::{
    Application, Bitrate, Channels, Complexity, FrameDuration, Options, RateControl, vendor,
};
use opus_packet::OpusTags;

use crate::{Encoded, audio::noise, encode};

/// Mono and stereo also use libopus' multistream encoder. Its packets equal those of the plain
/// encoder, which magnum-opus wraps. At a constant bit rate this holds only up to 40 ms and for
/// packets of whole bytes, since the plain encoder rounds where the other truncates, and keeps
/// longer packets below 1277 bytes.
#[test]
fn packets_of_mono_and_stereo_equal_those_of_the_plain_encoder() {
    let mut compared = 0;
    for channels in [Channels::MONO, Channels::STEREO] {
        let samples = noise(48_000, usize::from(channels.count()));
        for options in every_option(channels) {
            let frame = options.frame_len() * usize::from(channels.count());
            let (ours, mut peer) = (encode(&samples, &options, 1).packets, peer(&options));
            for (number, frame) in samples.chunks_exact(frame).enumerate() {
                let theirs = peer.encode_vec_float(frame, 8000).unwrap();
                assert!(ours[number] == theirs, "packet {number}: {options:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 25_000, "{compared}");
}

fn every_option(channels: Channels) -> Vec<Options> {
    let mut all = Vec::new();
    let mut options = Options::new(channels);
    // The defaults of libopus, which magnum-opus cannot change.
    options.complexity = Complexity::new(9).unwrap();
    options.sync_interval = None;
    for application in [Application::Audio, Application::Voip, Application::LowDelay] {
        for rate_control in [RateControl::Vbr, RateControl::ConstrainedVbr, RateControl::Cbr] {
            for frame_duration in FrameDuration::ALL {
                if rate_control != RateControl::Cbr || frame_duration <= FrameDuration::Ms40 {
                    for bits in [32_000, 64_000, 128_000] {
                        options.bitrate = Bitrate::bits_per_second(bits);
                        options.application = application;
                        options.rate_control = rate_control;
                        options.frame_duration = frame_duration;
                        all.push(options.clone());
                    }
                }
            }
        }
    }
    all
}

fn peer(options: &Options) -> Peer {
    let layout = if options.channels == Channels::MONO { Layout::Mono } else { Layout::Stereo };
    let usage = match options.application {
        Application::Audio => Usage::Audio,
        Application::Voip => Usage::Voip,
        Application::LowDelay => Usage::LowDelay,
    };
    let mut peer = Peer::new(48_000, layout, usage).unwrap();
    peer.set_bitrate(Rate::Bits(options.bitrate.get().try_into().unwrap())).unwrap();
    peer.set_vbr(options.rate_control != RateControl::Cbr).unwrap();
    peer.set_vbr_constraint(options.rate_control == RateControl::ConstrainedVbr).unwrap();
    peer
}

#[test]
fn opus_tools_read_the_packets() {
    for channels in [1, 2, 3, 6, 8] {
        let options = Options::new(Channels::new(channels).unwrap());
        let samples = noise(48_000 * 3 + 11, usize::from(channels));
        let encoded = encode(&samples, &options, 2);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.opus");
        write(&encoded, File::create(&path).unwrap());
        let info = Command::new("opusinfo").arg(&path).output().unwrap();
        let text = String::from_utf8(info.stdout).unwrap() + &String::from_utf8_lossy(&info.stderr);
        assert!(info.status.success() && !text.contains("WARNING"), "{text}");
        assert!(text.contains(&vendor()) && text.contains("Original sample rate: 44100"), "{text}");
        let raw = folder.path().join("file.raw");
        let mut command = Command::new("opusdec");
        command.args(["--quiet", "--no-dither"]).arg(&path).arg(&raw);
        assert!(command.output().unwrap().status.success());
        // opusdec decodes to the original sample rate by default.
        let bytes = std::fs::read(&raw).unwrap().len();
        let expected = (48_000 * 3 + 11) * 2 * usize::from(channels) * 441 / 480;
        assert!(bytes.abs_diff(expected) < 8 * usize::from(channels), "{bytes}, {expected}");
    }
}

fn write(encoded: &Encoded, file: File) {
    let tags = OpusTags::new(&vendor(), []);
    let mut writer = OggOpusWriter::new(file, 7, &encoded.head, &tags).unwrap();
    for packet in &encoded.packets {
        writer.write(packet).unwrap();
    }
    writer.finish(encoded.timeline.end_trim()).unwrap();
}
