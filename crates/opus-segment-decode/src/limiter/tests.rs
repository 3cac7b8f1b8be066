use proptest::{collection::vec, prelude::*};

use super::*;

/// What the memory can be: the factor of a peak of 1 to 2.
fn memory() -> impl Strategy<Value = f32> {
    (1.0_f32..=2.0, any::<bool>()).prop_map(|(highest, is_positive)| {
        let factor = (highest - 1.0) / (highest * highest);
        let factor = factor + factor * BOOST;
        if is_positive { factor } else { -factor }
    })
}

/// Samples of one channel: runs that keep a sign, many beyond full scale, some zero.
fn channel() -> impl Strategy<Value = Vec<f32>> {
    let level = prop_oneof![
        3 => 0.0_f32..2.5,
        2 => 0.9_f32..1.1,
        2 => Just(0.0_f32),
        1 => Just(1.0_f32),
        1 => Just(f32::MIN_POSITIVE / 1024.0),
    ];
    let run = (prop_oneof![Just(1.0_f32), Just(-1.0_f32)], vec(level, 1..12));
    let signed = |(sign, run): (f32, Vec<f32>)| run.into_iter().map(move |level| sign * level);
    vec(run, 1..6).prop_map(move |runs| runs.into_iter().flat_map(signed).collect())
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

fn mono() -> Limiter {
    Limiter::new(NonZeroUsize::MIN)
}

/// The memory after a packet for each of two memories before it.
fn memories_after(pcm: &[f32], before: [f32; 2]) -> [f32; 2] {
    before.map(|memory| limit_channel(&mut pcm.to_vec(), memory))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn after_a_packet_that_forgets_memory_is_known(pcm in channel(), a in memory(), b in memory()) {
        let [first, second] = memories_after(&pcm, [a, b]);
        if Limiter::forgets(&pcm, NonZeroUsize::MIN) {
            prop_assert_eq!(first.to_bits(), second.to_bits());
            prop_assert_eq!(first.to_bits(), limit_channel(&mut pcm.clone(), 0.0).to_bits());
        }
    }
}

#[test]
fn a_packet_that_stays_on_one_side_beyond_full_scale_does_not_forget() {
    let forgets = |pcm: &[f32]| Limiter::forgets(pcm, NonZeroUsize::MIN);
    for pcm in [&[1.5, 0.5][..], &[0.5, 1.5, 0.0], &[-0.1, -1.2]] {
        assert!(!forgets(pcm), "{pcm:?}");
        let sign = pcm[0].signum();
        let [first, second] = memories_after(pcm, [-0.25 * sign, -0.01 * sign]);
        assert_ne!(first.to_bits(), second.to_bits(), "{pcm:?}");
    }
    for pcm in [&[0.0, 1.5][..], &[0.5, 0.0, 1.5], &[1.5, 0.5, -0.1], &[0.9; 3]] {
        assert!(forgets(pcm), "{pcm:?}");
    }
    assert!(!forgets(&[]), "no sample changes nothing");
    let stereo = NonZeroUsize::new(2).unwrap();
    assert!(!Limiter::forgets(&[0.1, 1.5, -0.1, 1.5], stereo), "one channel is enough");
    assert!(Limiter::forgets(&[0.1, 1.5, -0.1, -1.5], stereo));
}

#[test]
fn samples_are_rounded_to_the_nearest_and_halves_to_even() {
    let scaled = |sample: f32| to_i16(sample / 32_768.0);
    assert_eq!([0.5, 1.5, -0.5, -1.5, 2.4, -2.6].map(scaled), [0, 2, 0, -2, 2, -3]);
    assert_eq!([1.0, -1.0, 7.0, -7.0].map(to_i16), [i16::MAX, i16::MIN, i16::MAX, i16::MIN]);
    let not_finite = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN];
    assert_eq!(not_finite.map(to_i16), [i16::MAX, i16::MIN, i16::MIN, i16::MIN]);
}

proptest! {
    #[test]
    fn rounding_is_that_of_the_standard_library(sample in -1.1_f32..1.1, halves in -70_000_i32..70_000) {
        #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it is in range")]
        let rounded =
            |sample: f32| (sample * 32_768.0).clamp(-32_768.0, 32_767.0).round_ties_even() as i16;
        prop_assert_eq!(to_i16(sample), rounded(sample));
        #[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "it is exact")]
        let half = halves as f32 / 65_536.0;
        prop_assert_eq!(to_i16(half), rounded(half));
    }
}

#[test]
fn samples_within_full_scale_are_kept() {
    let (mut limiter, mut pcm) = (mono(), [0.3, -1.0, 1.0, 0.0]);
    limiter.limit(&mut pcm);
    assert_eq!(bits(&pcm), bits(&[0.3, -1.0, 1.0, 0.0]));
}

#[cfg(feature = "libopus")]
mod libopus {
    use magnum_opus::{Channels, SoftClip};

    use super::*;

    fn check(channels: Channels, packets: Vec<Vec<f32>>) -> Result<(), TestCaseError> {
        let count = if channels == Channels::Mono { 1 } else { 2 };
        let mut ours = Limiter::new(NonZeroUsize::new(count).unwrap());
        let mut theirs = SoftClip::new(channels);
        for packet in packets {
            let (mut our, mut their) = (packet.clone(), packet);
            ours.limit(&mut our);
            theirs.apply(&mut their);
            prop_assert_eq!(bits(&our), bits(&their));
        }
        Ok(())
    }

    /// Cuts both to the same length.
    fn interleaved((left, right): (Vec<f32>, Vec<f32>)) -> Vec<f32> {
        left.into_iter().zip(right).flat_map(|(left, right)| [left, right]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn mono_is_limited_as_by_libopus(packets in vec(channel(), 1..8)) {
            check(Channels::Mono, packets)?;
        }

        #[test]
        fn stereo_is_limited_as_by_libopus(packets in vec((channel(), channel()), 1..8)) {
            check(Channels::Stereo, packets.into_iter().map(interleaved).collect())?;
        }
    }
}
