//! Whether an import builds a sync map.

use std::{ops::ControlFlow, path::Path};

use opus_zarr_store::{RecordingInfo, SyncInfo};

use crate::{
    Error, ImportOptions,
    progress::{Progress, Watch},
    survey::has_silk,
};

/// Whether a recording that an earlier import of a file made lacks a sync map that an import would
/// build now.
pub(crate) fn lacks_sync(
    path: &Path,
    options: &ImportOptions,
    found: &RecordingInfo,
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<bool, Error> {
    if has_current_sync(found) {
        return Ok(false);
    }
    match (options.exact, &found.source.transcoding) {
        (Some(exact), _) => Ok(exact),
        (None, Some(made)) => Ok(made.settings.sync_interval.is_some()),
        (None, None) => has_silk(path, options, found.source.stream, &mut Watch::new(&mut watch)),
    }
}

/// Whether a recording has a sync map of the present rule.
pub(super) fn has_current_sync(found: &RecordingInfo) -> bool {
    found.sync.as_ref().is_some_and(SyncInfo::is_current)
}
