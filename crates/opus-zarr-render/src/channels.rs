//! The order of channels.

use opus_zarr::Channels;

/// Returns the channels of Opus surround (mapping family 1) in the order of WAV and FLAC, or none if these
/// define no order.
pub fn wav_order(channels: u8) -> Option<Vec<u8>> {
    let opus = Channels::new(channels).ok().filter(|_| speakers(channels) != 0)?;
    let mut order: Vec<u8> = (0..channels).collect();
    if let Some(from_wav) = opus.from_wav() {
        order.sort_by_key(|&channel| from_wav.get(usize::from(channel)));
    }
    Some(order)
}

/// Returns the loudspeakers of Opus surround, as in the channel mask of WAV; 0 if unknown.
pub fn speakers(channels: u8) -> u32 {
    match channels {
        3 => 0x7,
        4 => 0x33,
        5 => 0x37,
        6 => 0x3f,
        7 => 0x70f,
        8 => 0x63f,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_follow_the_order_of_loudspeakers() {
        // Left, centre, right, back left, back right, LFE.
        assert_eq!(wav_order(6), Some(vec![0, 2, 1, 5, 3, 4]));
        assert_eq!(wav_order(4), Some(vec![0, 1, 2, 3]));
        for channels in 3..=8 {
            assert_eq!(speakers(channels).count_ones(), u32::from(channels));
            let mut order = wav_order(channels).unwrap();
            order.sort_unstable();
            assert!(order.into_iter().eq(0..channels));
        }
        assert_eq!((wav_order(2), wav_order(9)), (None, None));
    }
}
