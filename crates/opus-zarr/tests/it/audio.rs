//! Real files of other codecs: length, position and fidelity after encoding, and ultrasound.

mod fidelity;
mod peer;
mod spectrum;
mod table;
mod ultrasound;
