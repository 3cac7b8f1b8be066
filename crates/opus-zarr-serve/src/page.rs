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

/// Every file in `page/`.
const FILES: &[File] =
    &[File { name: INDEX, media_type: HTML, bytes: include_bytes!("../page/index.html") }];

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
