//! Shows the pages, packets, timeline and findings of an Ogg Opus file:
//! `cargo run --release --example inspect FILE`.

use std::{collections::BTreeMap, env, error::Error, fs::File, process::ExitCode};

use ogg_opus_demux::{OggOpusReader, PageReader};
use opus_packet::{SAMPLE_RATE, Toc};

fn main() -> ExitCode {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: inspect FILE");
        return ExitCode::from(2);
    };
    match pages(&path).and_then(|()| links(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn pages(path: &str) -> Result<(), Box<dyn Error>> {
    let mut pages = PageReader::new(File::open(path)?);
    let (mut count, mut continued) = (0, 0);
    while let Some((_, page)) = pages.next_page()? {
        count += 1;
        continued += usize::from(page.is_continued());
    }
    println!("{} bytes in {count} pages ({continued} continue a packet)", pages.offset());
    Ok(())
}

fn links(path: &str) -> Result<(), Box<dyn Error>> {
    let mut reader = OggOpusReader::new(File::open(path)?)?;
    for link in 1.. {
        println!("link {link}: {:?}\nencoded by {}", reader.head(), reader.tags().vendor());
        reader.tags().comments().for_each(|comment| println!("  {comment:.100}"));
        let mut kinds = BTreeMap::new();
        while let Some(packet) = reader.next_located()? {
            let toc = Toc::new(packet.data[0]);
            let milliseconds = f64::from(packet.duration) * 1000.0 / f64::from(SAMPLE_RATE);
            let kind = format!("{:?} {:?} band, {milliseconds} ms", toc.mode(), toc.bandwidth());
            let (packets, bytes) = kinds.entry(kind).or_insert((0, 0));
            *packets += 1;
            *bytes += packet.data.len();
        }
        for (kind, (packets, bytes)) in kinds {
            println!("{packets:>8} packets, {bytes:>9} bytes: {kind}");
        }
        if let Some(timeline) = reader.timeline() {
            let (coded, pre_skip) = (timeline.coded_length(), timeline.pre_skip());
            let (trim, play) = (timeline.end_trim(), timeline.play_length());
            println!(
                "{coded} coded samples - {pre_skip} pre-skip - {trim} end trim = {play} play samples"
            );
        }
        reader.findings().for_each(|finding| println!("  {finding}"));
        if !reader.next_link()? {
            break;
        }
    }
    Ok(())
}
