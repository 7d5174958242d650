//! Commands to recorders. Options come as JSON, checked, with every default filled in.

use std::path::PathBuf;

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, Task};
use napi_derive::napi;

use super::convert::{incoming_track_id, kind};
use super::endpoint::NativeEndpoint;
use crate::control::error::EngineError;
use crate::control::ids::{RecordedTrackId, RecorderId, RequestId};
use crate::control::json::parse;
use crate::control::recorder::RecorderCommand;
use crate::host::repair;

#[napi]
impl NativeEndpoint {
    /// Makes a recorder on a thread of the pool. The reply says whether there is a file.
    #[napi(catch_unwind)]
    pub fn create_recorder(&self, env: Env, request: u32, options: String) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.create_recorder(RequestId(request), options);
        Ok(self.check(&env, made)?.0 as f64)
    }

    /// Adds a line to the recording, fed by a track. Gives its id.
    #[napi(catch_unwind)]
    pub fn record(
        &self,
        env: Env,
        recorder: f64,
        track: f64,
        kind_name: String,
        options: String,
    ) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        let kind = self.check(&env, kind(&kind_name))?;
        let line = self.running.engine.recorded_track_id();
        let track = incoming_track_id(track);
        self.recorder(&env, recorder, RecorderCommand::Record { line, kind, track, options })?;
        Ok(line.0 as f64)
    }

    /// Without a track nothing feeds the line for now.
    #[napi(catch_unwind)]
    pub fn attach_recorded(
        &self,
        env: Env,
        recorder: f64,
        line: f64,
        track: Option<f64>,
    ) -> Result<()> {
        let (line, track) = (line_id(line), track.map(incoming_track_id));
        self.recorder(&env, recorder, RecorderCommand::Attach { line, track })
    }

    /// Ends a line.
    #[napi(catch_unwind)]
    pub fn stop_recorded(&self, env: Env, recorder: f64, line: f64) -> Result<()> {
        self.recorder(&env, recorder, RecorderCommand::Stop { line: line_id(line) })
    }

    /// Pauses the whole recording, or one line, or lets it go on.
    #[napi(catch_unwind)]
    pub fn pause_recorder(
        &self,
        env: Env,
        recorder: f64,
        line: Option<f64>,
        paused: bool,
    ) -> Result<()> {
        let command = match line.map(line_id) {
            None => RecorderCommand::Pause { paused },
            Some(line) => RecorderCommand::PauseLine { line, paused },
        };
        self.recorder(&env, recorder, command)
    }

    /// Gives the moment a name.
    #[napi(catch_unwind)]
    pub fn mark_recorder(&self, env: Env, recorder: f64, name: String) -> Result<()> {
        self.recorder(&env, recorder, RecorderCommand::Mark { name })
    }

    /// The reply is the statistics of one recorder.
    #[napi(catch_unwind)]
    pub fn recorder_stats(&self, env: Env, request: u32, recorder: f64) -> Result<()> {
        let request = RequestId(request);
        self.recorder(&env, recorder, RecorderCommand::Stats { request })
    }

    /// Finishes the file; the reply comes when it is closed.
    #[napi(catch_unwind)]
    pub fn close_recorder(&self, env: Env, request: u32, recorder: f64) -> Result<()> {
        let request = RequestId(request);
        self.recorder(&env, recorder, RecorderCommand::Close { request })
    }

    fn recorder(&self, env: &Env, recorder: f64, command: RecorderCommand) -> Result<()> {
        self.check(env, self.running.engine.recorder(RecorderId(recorder as u64), command))
    }
}

fn line_id(id: f64) -> RecordedTrackId {
    RecordedTrackId(id as u64)
}

/// A file that was repaired, or why it was not.
#[napi(object, object_from_js = false)]
pub struct NativeRepairedFile {
    pub repaired: bool,
    pub bytes: f64,
    pub duration: Option<f64>,
    pub cut: Option<String>,
    pub error: Option<NativeRepairError>,
}

/// Why a file was not repaired.
#[napi(object, object_from_js = false)]
pub struct NativeRepairError {
    pub code: &'static str,
    pub message: String,
    pub field: Option<String>,
}

/// A repair, on a thread of Node's pool.
pub struct Repairing(PathBuf);

impl Task for Repairing {
    type Output = NativeRepairedFile;
    type JsValue = NativeRepairedFile;

    fn compute(&mut self) -> Result<NativeRepairedFile> {
        Ok(match repair(&self.0).map_err(EngineError::from) {
            Ok(file) => NativeRepairedFile {
                repaired: file.repaired,
                bytes: file.bytes as f64,
                duration: file.duration.map(|duration| duration.as_secs_f64()),
                cut: file.cut.map(|cut| cut.to_string_lossy().into_owned()),
                error: None,
            },
            Err(EngineError { code, message, field, .. }) => NativeRepairedFile {
                repaired: false,
                bytes: 0.0,
                duration: None,
                cut: None,
                error: Some(NativeRepairError { code: code.name(), message, field }),
            },
        })
    }

    fn resolve(&mut self, _: Env, output: NativeRepairedFile) -> Result<NativeRepairedFile> {
        Ok(output)
    }
}

/// Makes a file seekable that a recorder did not finish. Gives `error` where it cannot be.
#[napi(catch_unwind)]
pub fn repair_recording(file: String) -> AsyncTask<Repairing> {
    AsyncTask::new(Repairing(PathBuf::from(file)))
}
