//! The store of a data directory on which no gateway runs.

use std::path::Path;

use kolm_config::Config;
use kolm_core::Env;
use kolm_store::{Handle, Service};

use crate::admin::not_running;
use crate::report::Failure;

/// Opens the store as the last gateway had it; whoever opens it shuts it down.
pub(crate) fn store(env: &Env, data_dir: &Path) -> Result<(Service, Handle), Failure> {
    let dir = data_dir.join("store");
    if !dir.join("captures.duckdb").is_file() {
        return Err(not_running(data_dir));
    }
    let config = Config::embedded(&crate::env::outside(data_dir))?;
    Ok(Service::open_again(&dir, &config.store, env)?)
}

/// Freezes a namespace straight from the store.
pub(crate) fn freeze(namespace: &str, dir: &Path, env: &Env, data_dir: &Path) -> Result<(), Failure> {
    let namespace = crate::namespace(namespace)?;
    let (store, handle) = self::store(env, data_dir)?;
    let frozen = crate::runtime()?.block_on(handle.freeze(&namespace, dir, crate::up::POLICY));
    store.shutdown();
    frozen?;
    Ok(())
}
