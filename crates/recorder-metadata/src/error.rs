use std::fmt;

/// Why a value was rejected.
///
/// `Display` is one line that says what was expected and what was found.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Reason>);

/// What was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A `bext` chunk ends before its date and time.
    InvalidBext,
    /// A `LIST` chunk is not of type `INFO`.
    InvalidInfo,
    /// A pattern of file names is invalid, or states no whole time.
    InvalidNamePattern,
    /// A time zone is neither an offset nor a known name.
    InvalidZone,
}

impl Error {
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Reason::BextTooShort { .. } => ErrorKind::InvalidBext,
            Reason::NotInfo { .. } => ErrorKind::InvalidInfo,
            Reason::NamePattern { .. } => ErrorKind::InvalidNamePattern,
            Reason::Zone { .. } => ErrorKind::InvalidZone,
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

/// Prints the message, since `main() -> Result` shows errors with `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error(
        "expected a \"bext\" chunk of at least {expected} bytes, up to its date and time (EBU Tech 3285), found {found}"
    )]
    BextTooShort { found: usize, expected: usize },
    #[error("expected a \"LIST\" chunk of type \"INFO\", found \"{}\"", found.escape_ascii())]
    NotInfo { found: Vec<u8> },
    #[error(
        "expected a pattern of dates and times like \"%Y%m%d_%H%M%S\", found \"{}\": {reason}",
        found.escape_default()
    )]
    NamePattern { found: String, reason: String },
    #[error(
        "expected a time zone (an offset like \"+02:00\" or an IANA name like \"Europe/Zurich\"), found \"{}\"",
        found.escape_default()
    )]
    Zone { found: String },
}
