//! The job folder: its lock, its files, its checkpoints.
//!
//! **Invariant:** a file appears whole or not at all, and a checkpoint counts only while every digest in its
//! `state.json` holds.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use kolm_core::hex;
use kolm_model::net::Values;
use rustix::fs::{FlockOperation, flock};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::job::Event;

/// A job folder that this process holds alone.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    events: File,
    /// Holds the lock as long as it is open.
    _lock: File,
}

/// Where a transformer branch stands, beside its tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Digest of the job.
    pub(crate) job: String,
    /// Steps done.
    pub(crate) step: u64,
    /// Epochs done.
    pub(crate) epoch: u64,
    /// Batches of the present epoch done.
    pub(crate) batch: u64,
    /// Sum of the losses of the present epoch.
    pub(crate) loss: f64,
    /// Best score on `valid` and its epoch.
    pub(crate) best: f64,
    /// Score that the last real gain reached, and epochs without another.
    pub(crate) mark: f64,
    /// Epochs without a gain.
    pub(crate) stale: u64,
    /// Score on `valid` after each epoch.
    pub(crate) curve: Vec<f64>,
    /// SHA-256 of the other files of the checkpoint.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
}

/// Tensors of a checkpoint by file name.
pub(crate) type Tensors = BTreeMap<&'static str, Values>;

impl Folder {
    /// Takes the folder: makes it if needed, locks it, and checks that it holds this job or none.
    pub(crate) fn take(dir: &Path, job_json: &[u8]) -> Result<Self, Error> {
        let checkpoints = dir.join("out/checkpoints");
        fs::create_dir_all(&checkpoints).map_err(Error::io("create", &checkpoints))?;
        let data = dir.join("data");
        fs::create_dir_all(&data).map_err(Error::io("create", &data))?;
        let path = dir.join("lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = open.map_err(Error::io("open", &path))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::Busy { path: dir.to_owned() });
        }
        let job = dir.join("job.json");
        match fs::read(&job) {
            Ok(there) if there != job_json => return Err(Error::OtherJob { path: dir.to_owned() }),
            Ok(_) => {}
            Err(_) => replace(&job, job_json)?,
        }
        let path = dir.join("out/events.jsonl");
        let events =
            OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("open", &path))?;
        Ok(Self { dir: dir.to_owned(), events, _lock: lock })
    }

    /// Writes a file of the job whole.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        replace(&self.dir.join(name), bytes)
    }

    /// Appends an event to the log.
    pub(crate) fn log(&mut self, event: &Event) -> Result<(), Error> {
        let path = || self.dir.join("out/events.jsonl");
        let mut line = serde_json::to_vec(event).map_err(|e| Error::io("write", path())(e.into()))?;
        line.push(b'\n');
        self.events.write_all(&line).map_err(Error::io("write", path()))
    }

    fn checkpoints(&self) -> PathBuf {
        self.dir.join("out/checkpoints")
    }

    /// Writes a checkpoint; the last two are kept.
    pub(crate) fn save(&self, mut progress: Progress, tensors: &Tensors) -> Result<(), Error> {
        let name = format!("step-{:08}", progress.step);
        let (temporary, path) =
            (self.checkpoints().join(format!("tmp-{name}")), self.checkpoints().join(&name));
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(Error::io("remove", &temporary))?;
        }
        fs::create_dir_all(&temporary).map_err(Error::io("create", &temporary))?;
        for (file, values) in tensors {
            let bytes = encode(values)?;
            progress.files.insert((*file).to_owned(), hex(&Sha256::digest(&bytes)));
            write(&temporary.join(file), &bytes)?;
        }
        let state = serde_json::to_vec(&progress).map_err(|e| Error::io("write", &temporary)(e.into()))?;
        write(&temporary.join("state.json"), &state)?;
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        }
        fs::rename(&temporary, &path).map_err(Error::io("rename", &temporary))?;
        for old in self.steps()?.into_iter().rev().skip(2) {
            fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
        }
        Ok(())
    }

    /// Checkpoint folders, oldest first.
    fn steps(&self) -> Result<Vec<PathBuf>, Error> {
        let dir = self.checkpoints();
        let entries = fs::read_dir(&dir).map_err(Error::io("read", &dir))?;
        let is_step =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("step-"));
        let mut out: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_step).collect();
        out.sort();
        Ok(out)
    }

    /// The newest checkpoint of this job that is whole.
    pub(crate) fn newest(&self, job: &str) -> Result<Option<(Progress, BTreeMap<String, Values>)>, Error> {
        Ok(self.steps()?.iter().rev().find_map(|path| load(path, job)))
    }
}

/// Reads a checkpoint; `None` if anything about it does not hold.
fn load(path: &Path, job: &str) -> Option<(Progress, BTreeMap<String, Values>)> {
    let progress: Progress = serde_json::from_slice(&fs::read(path.join("state.json")).ok()?).ok()?;
    if progress.job != job {
        return None;
    }
    let mut out = BTreeMap::new();
    for (file, digest) in &progress.files {
        let bytes = fs::read(path.join(file)).ok()?;
        if hex(&Sha256::digest(&bytes)) != *digest {
            return None;
        }
        out.insert(file.clone(), decode(&bytes)?);
    }
    Some((progress, out))
}

fn encode(values: &Values) -> Result<Vec<u8>, Error> {
    let bytes: Vec<(&str, Vec<u8>)> = values
        .iter()
        .map(|(name, v)| (name.as_str(), v.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views: Result<Vec<_>, _> = bytes
        .iter()
        .map(|(name, b)| TensorView::new(Dtype::F32, vec![b.len() / 4], b).map(|view| (*name, view)))
        .collect();
    let packed = views.and_then(|views| safetensors::serialize(views, None));
    Ok(packed.map_err(kolm_model::Error::Pack)?)
}

fn decode(bytes: &[u8]) -> Option<Values> {
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let floats = |view: TensorView<'_>| {
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    Some(tensors.tensors().into_iter().map(|(name, view)| (name, floats(view))).collect())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("sync", path))
}

/// Writes beside, then renames.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = path.with_extension("tmp");
    write(&temporary, bytes)?;
    fs::rename(&temporary, path).map_err(Error::io("rename", &temporary))
}

#[cfg(test)]
mod tests {
    use kolm_core::Coded;

    use super::*;

    #[test]
    fn one_run_at_a_time_and_one_job_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let held = Folder::take(dir.path(), b"job").unwrap();
        assert_eq!(Folder::take(dir.path(), b"job").unwrap_err().code().0, 609);
        drop(held);
        assert_eq!(Folder::take(dir.path(), b"another").unwrap_err().code().0, 610);
        Folder::take(dir.path(), b"job").unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(Folder::take(&file, b"job").unwrap_err().code().0, 611);
    }

    #[test]
    fn the_newest_whole_checkpoint_counts() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path(), b"job").unwrap();
        let at = |step| Progress { job: "j".to_owned(), step, ..Progress::default() };
        let tensors =
            |x: f32| Tensors::from([("model.safetensors", Values::from([("w".to_owned(), vec![x, 2.0])]))]);
        for step in 1..=4 {
            folder.save(at(step), &tensors(step as f32)).unwrap();
        }
        let newest = |job: &str| {
            folder.newest(job).unwrap().map(|(p, t)| (p.step, t["model.safetensors"]["w"].clone()))
        };
        assert_eq!(folder.steps().unwrap().len(), 2);
        assert_eq!(newest("j"), Some((4, vec![4.0, 2.0])));
        assert_eq!(newest("other"), None);
        let damaged = dir.path().join("out/checkpoints/step-00000004/model.safetensors");
        fs::write(&damaged, b"torn").unwrap();
        assert_eq!(newest("j"), Some((3, vec![3.0, 2.0])));
    }
}
