//! Audio that is not Opus, from real files: as long as it was, at its place, how near to it; and
//! ultrasound.

mod fidelity;
mod peer;
mod spectrum;
mod table;
mod ultrasound;
