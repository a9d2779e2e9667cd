//! apt, asked without root: the system's package lists, or fresh private ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::packages::{Package, RUSTC_PACKAGES};
use crate::process::{self, ProcessError};
use crate::{Progress, ToolchainError};

/// apt with one set of package lists.
#[derive(Debug)]
pub(super) struct Apt {
    options: Vec<String>,
}

impl Apt {
    /// The system's own lists, as old as they are.
    pub(super) fn system() -> Self {
        Self { options: Vec::new() }
    }

    /// Lists of our own below `folder`, just fetched. Says why there are none that know the compiler, otherwise.
    pub(super) fn updated(folder: &Path, progress: &dyn Progress) -> Result<Self, String> {
        progress
            .note("fetching package lists of our own: the system's are missing or old (apt-get update, without root)");
        let private = Self::private(folder).map_err(|error| format!("cannot use {}: {error}", folder.display()))?;
        // Repositories that nothing is needed of may fail; what counts is whether the compiler is known afterwards.
        let updated = process::output(private.command("apt-get").arg("update"));
        if private.knows_compiler() {
            return Ok(private);
        }
        let names: Vec<&str> = RUSTC_PACKAGES.iter().map(|(rustc, _)| *rustc).collect();
        let minimum = env!("CARGO_PKG_RUST_VERSION");
        match updated {
            Ok(_) => Err(format!(
                "the configured repositories offer no {} of version {minimum} or later",
                names.join(" or ")
            )),
            Err(error) => Err(format!("apt-get update failed: {error}")),
        }
    }

    fn private(folder: &Path) -> std::io::Result<Self> {
        for sub in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(sub))?;
        }
        // Hooks of the system belong to the system's own lists and caches.
        let config = folder.join("apt.conf");
        fs::write(
            &config,
            "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n",
        )?;
        let options = [
            format!("--config-file={}", config.display()),
            format!("--option=Dir::State::lists={}", folder.join("lists").display()),
            format!("--option=Dir::Cache={}", folder.join("cache").display()),
            "--option=Debug::NoLocking=1".to_owned(),
            "--option=APT::Sandbox::User=root".to_owned(),
        ];
        Ok(Self { options: options.into() })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = process::clean(program);
        command.env("LC_ALL", "C").args(&self.options);
        command
    }

    /// Whether a new enough compiler is on offer.
    pub(super) fn knows_compiler(&self) -> bool {
        super::packages::compiler(self).is_some()
    }

    /// The version apt would install.
    pub(super) fn candidate(&self, package: &str) -> Option<String> {
        let policy = process::text(self.command("apt-cache").args(["policy", package])).ok()?;
        let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
        (version != "(none)").then(|| version.to_owned())
    }

    /// The record of one version of a package.
    pub(super) fn show(&self, package: &str, version: &str) -> Option<String> {
        let text = process::text(self.command("apt-cache").args(["show", &format!("{package}={version}")])).ok()?;
        text.split("\n\n").next().map(str::to_owned).filter(|record| !record.is_empty())
    }

    /// Whether the system has the package installed already.
    pub(super) fn is_installed(package: &str) -> bool {
        let mut query = process::clean("dpkg-query");
        query.args(["--show", "--showformat=${db:Status-Status}\n", package]);
        process::text(&mut query).is_ok_and(|status| status.lines().any(|line| line == "installed"))
    }

    /// Downloads a package into `folder` and gives the file. apt checks it against the signed lists.
    pub(super) fn download(&self, package: &Package, folder: &Path) -> Result<PathBuf, ToolchainError> {
        let mut command = self.command("apt-get");
        command.current_dir(folder).args(["download", &format!("{}={}", package.name, package.version)]);
        process::output(&mut command)?;
        let prefix = format!("{}_", package.name);
        let found = fs::read_dir(folder).ok().and_then(|entries| {
            entries.flatten().map(|entry| entry.path()).find(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                name.starts_with(&prefix) && name.ends_with(".deb")
            })
        });
        found.ok_or_else(|| {
            let stderr = format!("{prefix}*.deb is not in {} afterwards", folder.display());
            ProcessError::Failed { program: "apt-get download".to_owned(), status: "success".to_owned(), stderr }.into()
        })
    }
}
