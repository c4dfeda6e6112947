//! File handles of the process: as many as it may have, and no more clients than there are handles
//! for.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::Config;
use crate::fault::{Fault, Outcome};

/// Handles beside those of clients and packs: the index, its log, threads, the listener.
const OTHERS: u64 = 256;
/// Fewer clients than these are no service.
const CLIENTS_MIN: u64 = 16;

/// Takes what the system gives, and lowers the number of clients to what is left beside the packs.
pub(super) fn reserve(config: &mut Config) -> Outcome {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it is refused the limit is what it was.
    let _ = setrlimit(Resource::Nofile, limit);
    let Some(handles) = getrlimit(Resource::Nofile).current else {
        return Ok(());
    };
    let packs = config.settings.max_open_packs as u64;
    let clients = clients(handles, packs)?;
    let asked = config.server.max_connections;
    let most = usize::try_from(clients).unwrap_or(usize::MAX);
    if asked > most {
        tracing::warn!(
            asked,
            most,
            handles,
            "fewer connections at once, for want of file handles"
        );
        config.server.max_connections = most;
    }
    Ok(())
}

fn clients(handles: u64, packs: u64) -> Outcome<u64> {
    let clients = handles.saturating_sub(packs.saturating_add(OTHERS));
    if clients >= CLIENTS_MIN {
        return Ok(clients);
    }
    let needed = packs + OTHERS + CLIENTS_MIN;
    let message = format!("the process may open {handles} files, {needed} at least are needed");
    Err(Fault::usage(message).with_hint(
        "raise the limit (`ulimit -n`, LimitNOFILE of systemd), or lower max_open_packs",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_have_the_handles_that_packs_leave() {
        assert_eq!(clients(8192, 1024).unwrap(), 8192 - 1024 - OTHERS);
        assert_eq!(clients(1024, 752).unwrap(), CLIENTS_MIN);
        let fault = clients(1024, 1024).unwrap_err();
        let message = "error: the process may open 1024 files, 1296 at least are needed";
        assert!(fault.to_string().starts_with(message), "{fault}");
    }
}
