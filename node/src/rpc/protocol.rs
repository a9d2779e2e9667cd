//! `esker_protocol`: by which protocol version blocks are made, and what comes.

use alloy_primitives::U64;
use esker_runtime::{Rules, Upgrade};
use serde::Serialize;

use super::access::Api;
use super::{Args, RpcError};

/// What `esker_protocol` says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    version: U64,
    latest_known_version: U64,
    upgrades: Vec<UpgradeView>,
    next: Option<Next>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UpgradeView {
    version: U64,
    block: U64,
    is_known: bool,
}

/// The upgrade that comes next, and how far its modules are where they have to be made anew.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Next {
    #[serde(flatten)]
    upgrade: UpgradeView,
    modules: Option<U64>,
    modules_ready: Option<U64>,
}

fn view(upgrade: Upgrade) -> UpgradeView {
    let Upgrade { version, height } = upgrade;
    UpgradeView { version: U64::from(version), block: U64::from(height), is_known: Rules::of(version).is_some() }
}

pub(super) fn protocol(api: &Api, _: &Args) -> Result<Protocol, RpcError> {
    let (head, upgrades) = (api.chain.head().block.header.number, &api.chain.config().upgrades);
    let next = upgrades.after(head).map(|upgrade| {
        let progress = api.chain.recompiling().filter(|progress| progress.upgrade == upgrade);
        Next {
            upgrade: view(upgrade),
            modules: progress.map(|progress| U64::from(progress.modules)),
            modules_ready: progress.map(|progress| U64::from(progress.ready)),
        }
    });
    Ok(Protocol {
        version: U64::from(upgrades.version_at(head)),
        latest_known_version: U64::from(Rules::LATEST.version),
        upgrades: upgrades.iter().map(view).collect(),
        next,
    })
}
