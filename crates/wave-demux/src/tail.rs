use std::io::{Read, Seek};

use crate::{Error, Form, header::Header, input::Input};

/// Where samples end that begin at `start` and whose size is not known: before the first of
/// the known chunks that follow one another to the very end of the file, or there. They are
/// looked for in the last 1 MiB.
pub(crate) fn samples_end<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    start: u64,
) -> Result<u64, Error> {
    let from = input.len().saturating_sub(WINDOW).max(start);
    let window = input.bytes(from, WINDOW, usize::try_from(WINDOW).unwrap_or(usize::MAX))?;
    // Of each place, whether chunks lead from there to the end.
    let mut leads = vec![false; window.len()];
    leads.push(true);
    let mut first = window.len();
    for at in (0..window.len()).rev() {
        let bytes = window.get(at..).unwrap_or_default();
        if ends(form, bytes).into_iter().flatten().any(|len| at_place(&leads, at, len)) {
            if let Some(place) = leads.get_mut(at) {
                *place = true;
            }
            first = at;
        }
    }
    Ok(from.saturating_add(u64::try_from(first).unwrap_or(WINDOW)))
}

/// How long a known chunk is that begins these bytes, without and with what fills it up.
fn ends(form: Form, bytes: &[u8]) -> Option<[u64; 2]> {
    let header = Header::parse(form, 0, bytes)?;
    let size = header.size.filter(|_| header.id.is_known())?;
    let len = header.start.checked_add(size)?;
    Some([len, len.checked_add(form.padding(size))?])
}

fn at_place(leads: &[bool], at: usize, len: u64) -> bool {
    let place = usize::try_from(len).ok().and_then(|len| at.checked_add(len));
    place.and_then(|place| leads.get(place)).copied().unwrap_or_default()
}

const WINDOW: u64 = 1 << 20;
