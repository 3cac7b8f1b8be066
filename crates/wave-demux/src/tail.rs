use std::io::{Read, Seek};

use crate::{Error, Form, header::Header, input::Input};

/// Returns the end of samples that begin at `start` and have no usable size. That is the start
/// of an unbroken run of known chunks up to the end of the file, searched for in the last 1 MiB,
/// or else the end of the file.
pub(crate) fn samples_end<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    start: u64,
) -> Result<u64, Error> {
    let from = input.len().saturating_sub(WINDOW).max(start);
    let window = input.bytes(from, WINDOW, usize::try_from(WINDOW).unwrap_or(usize::MAX))?;
    // For each position, whether chunks lead from there to the end.
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

/// Returns the length of the known chunk that begins these bytes, without and with padding.
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
