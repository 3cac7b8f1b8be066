#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod async_recording;
mod container;
mod decoders;
mod demuxer;
mod derive;
mod error;
mod import;
mod import_many;
mod index;
mod open_each;
mod options;
mod origin;
mod progress;
mod read_many;
mod real_time;
mod recording;
mod regions;
mod report;
mod selection;
mod source;
mod stream;
mod survey;
mod verify;

pub use async_recording::AsyncRecording;
pub use container::{Container, DETECTION_LEN};
pub use demuxer::{DemuxError, OpusStream, Streams};
pub use error::Error;
pub use import::{Difference, Imported, Setting, import};
pub use import_many::{
    FileImport, ImportEvent, ImportManyOptions, ImportManyProgress, ImportOutcome, ImportPlan,
    ImportTally, PlannedFile, Skipped, Unreadable, import_many,
};
pub use options::{ImportOptions, RawFormat, RawStream};
pub use opus_encode::{Application, Bitrate, Complexity, FrameDuration, RateControl, SyncInterval};
pub use opus_segment_decode::{ChannelSelection, InvalidRate, Output, OutputRate, Sample};
pub use opus_transcode::{TranscodeOptions, Ultrasound};
pub use opus_zarr_store::{
    ArrayKind, BlobReader, Certainty, Component, FaultKind as StoreFault, Faults, Gap, IndexInfo,
    Place, RecordingInfo, RecordingName, Source, SourceMetadata, Start, Store, StoredAs, SyncInfo,
    Tags, Transcoding, VerifyLevel, VerifyOptions,
};
pub use progress::{Progress, Stage, unwatched};
pub use read_many::ReadLimits;
pub use recorder_metadata::{Source as StartSource, Zone};
pub use recording::{NotExact, ReadMode, Recording};
pub use regions::{InvalidRegion, InvalidTable, Region};
pub use report::Finding;
pub use selection::{InvalidSelection, Selection, parse_duration};
pub use stream::SampleStream;
pub use verify::{Fault, FaultKind, Verification, verify};
