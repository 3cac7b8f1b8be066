#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod agreed;
mod async_recording;
mod async_stream;
mod catalogue;
mod clock;
mod crops;
mod decoders;
mod deployment;
mod derive;
mod error;
mod facts;
mod filter;
mod import;
mod import_many;
mod in_order;
mod index;
mod open_each;
mod options;
mod origin;
mod pool;
mod progress;
mod read_many;
mod real_time;
mod recorder;
mod recording;
mod regions;
mod report;
mod selection;
mod source;
mod source_rate;
mod starts;
mod stream;
mod survey;
mod tagged;
mod verify;

pub use async_recording::AsyncRecording;
pub use async_stream::AsyncSampleStream;
pub use catalogue::{Catalogue, CatalogueChanges, CatalogueRow};
pub use clock::{CorrectedClock, Correction, InvalidCorrection, InvalidTime, KnownTime};
pub use crops::{Crop, Crops, InvalidCrops, crops};
pub use deployment::{
    Coverage, Day, Deployment, Gaps, InexactPart, Member, Overlap, Piece, Segment, UtcSamples,
};
pub use error::{Error, ErrorKind};
pub use facts::{Exactness, NotExact, ReadMode, other_libopus};
pub use filter::{InvalidGlob, NameGlob, RecordingFilter};
pub use import::{AudioTrack, Difference, Imported, Setting, StartChange, import, start_of_stream};
pub use import_many::{
    FileImport, ImportEvent, ImportManyOptions, ImportManyProgress, ImportOutcome, ImportPlan,
    ImportTally, InvalidTemplate, NameTemplate, PlannedFile, PresentNotes, SkippedFiles,
    Unreadable, import_many,
};
pub use jiff::{SignedDuration, Timestamp};
pub use ogg_opus_demux::{Page, PageReader, Skipped};
pub use options::ImportOptions;
pub use opus_demux as demux;
pub use opus_demux::{
    Container, Error as DemuxError, ErrorKind as DemuxErrorKind, Finding as DemuxFinding,
    Options as DemuxOptions, OpusStream, RawFormat, RawStream, Streams,
};
pub use opus_encode::{
    Application, Bitrate, Channels, Complexity, FrameDuration, RateControl, SampleDepth,
    SyncInterval,
};
pub use opus_packet::{
    CodedPos, ExtensionIds, InvalidHead, InvalidTimeline, OpusHead, OpusTags, Packet, PacketSource,
    SAMPLE_RATE, Timeline, Toc,
};
pub use opus_packet_index::{IndexRead, IndexRow};
pub use opus_segment_decode::{
    APPROXIMATE_PRE_ROLL, ChannelSelection, Error as DecodeError, ErrorKind as DecodeErrorKind,
    InvalidRate, OtherLibopus, Output, OutputRate, Sample,
};
pub use opus_transcode::{
    AudioFile, AudioFormat, Error as AudioError, ErrorKind as AudioErrorKind, MetadataChunk,
    ReadOptions, TranscodeOptions, Ultrasound,
};
pub use opus_zarr_store as store;
pub use opus_zarr_store::{
    ArrayKind, AsyncRecordingReader, AsyncStorage, AsyncStore, BlobReader, Certainty, ClockChange,
    ClockCorrection, Component, EncoderSettings, Entry, Error as StoreError,
    ErrorKind as StoreErrorKind, FaultKind as StoreFault, Faults, Gap, IndexInfo, InvalidName,
    LocalStorage, MemoryStorage, MetadataContent, Place, RecordingInfo, RecordingName,
    RecordingReader, Source, SourceMetadata, Start, Storage, Store, StoredAs, SyncInfo, Tags,
    Transcoding, VerifyLevel, VerifyOptions,
};
pub use progress::{Progress, Stage, unwatched};
pub use read_many::ReadLimits;
pub use recorder::{RecorderField, RecorderMetadata};
pub use recorder_metadata::{ClockReading, NamePattern, Position, Source as StartSource, Zone};
pub use recording::Recording;
pub use regions::{
    InvalidRegion, InvalidTable, Region, RegionMatcher, RegionSource, RegionTable, Unmatched,
};
pub use report::Finding;
pub use selection::{
    InvalidSelection, LocalSelection, LocalTimeFinding, Selection, UnresolvedTime, parse_duration,
};
pub use source_rate::ResampledStream;
pub use stream::SampleStream;
pub use verify::{Fault, FaultKind, Verification, verify};
