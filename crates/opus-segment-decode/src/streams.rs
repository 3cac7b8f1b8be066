use std::mem;

use opus_packet::{InvalidPacket, split_self_delimited};

/// Takes the next stream's packet off a packet of several streams, in ordinary framing. All but
/// the last are self-delimited (RFC 6716 appendix B); these are converted into `ordinary`.
pub(crate) fn next_stream<'b, 'a: 'b>(
    rest: &mut &'a [u8],
    is_last: bool,
    ordinary: &'b mut Vec<u8>,
) -> Result<&'b [u8], InvalidPacket> {
    if is_last {
        return Ok(mem::take(rest));
    }
    let (first, after) = split_self_delimited(rest)?;
    *rest = after;
    ordinary.clear();
    first.write_ordinary(ordinary);
    Ok(ordinary)
}
