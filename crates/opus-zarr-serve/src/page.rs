//! The page, which is part of the program.

/// A file of the page.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// Its first file.
pub(crate) const INDEX: &str = "index.html";

pub(crate) fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

/// The name of a file, if there is one of this name.
pub(crate) fn name(name: &str) -> Option<&'static str> {
    file(name).map(|file| file.name)
}

const HTML: &str = "text/html; charset=utf-8";

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! file {
    ($name:expr, $media_type:expr) => {
        File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../page/", $name)),
        }
    };
}

/// Every file in `page/`.
const FILES: &[File] = &[
    file!("index.html", HTML),
    file!("about.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("app.js", SCRIPT),
    file!("axis.js", SCRIPT),
    file!("box.js", SCRIPT),
    file!("gestures.js", SCRIPT),
    file!("icon.svg", SVG),
    file!("keys.js", SCRIPT),
    file!("labels.js", SCRIPT),
    file!("lanes.js", SCRIPT),
    file!("link.js", SCRIPT),
    file!("list.js", SCRIPT),
    file!("loader.js", SCRIPT),
    file!("looks.js", SCRIPT),
    file!("player.js", SCRIPT),
    file!("sources.js", SCRIPT),
    file!("spectrogram.js", SCRIPT),
    file!("state.js", SCRIPT),
    file!("style.css", CSS),
    file!("tables.js", SCRIPT),
    file!("tiles.js", SCRIPT),
    file!("timeline.js", SCRIPT),
    file!("view.js", SCRIPT),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let embedded = file(path.file_name().unwrap().to_str().unwrap());
            let bytes = embedded.map(|file| file.bytes);
            assert_eq!(bytes, Some(&*fs::read(&path).unwrap()), "{}", path.display());
        }
    }
}
