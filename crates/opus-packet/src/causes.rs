use core::{error::Error, fmt};

/// Writes an error and its causes on one line, each once: `message: cause: cause`.
///
/// The errors of these crates implement `Debug` with it, since `main() -> Result` prints that.
///
/// ```
/// use std::fmt;
///
/// #[derive(thiserror::Error)]
/// #[error("cannot read the page")]
/// struct PageError(#[source] std::io::Error);
///
/// impl fmt::Debug for PageError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         opus_packet::fmt_with_causes(self, f)
///     }
/// }
///
/// let error = PageError(std::io::ErrorKind::UnexpectedEof.into());
/// assert_eq!(format!("{error:?}"), "cannot read the page: unexpected end of file");
/// ```
pub fn fmt_with_causes(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{error}")?;
    let mut next = error.source();
    while let Some(cause) = next {
        write!(f, ": {cause}")?;
        next = cause.source();
    }
    Ok(())
}
