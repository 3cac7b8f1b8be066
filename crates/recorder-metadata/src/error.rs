/// What was refused. `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error(
        "chunk \"bext\" of {found} bytes, expected at least {expected}, which hold date and time (EBU Tech 3285)"
    )]
    BextTooShort { found: usize, expected: usize },
    #[error("chunk \"LIST\" of type \"{}\", expected \"INFO\"", found.escape_ascii())]
    NotInfo { found: Vec<u8> },
    #[error(
        "time zone \"{}\", expected an offset like \"+02:00\" or an IANA name like \"Europe/Zurich\"",
        found.escape_default()
    )]
    Zone { found: String },
}
