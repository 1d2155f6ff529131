//! `cargo xtask package`: the static binary, the Debian and the RPM package, made and looked into.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::packages::{self, For};
use crate::tools;

const SUMMARY: &str = "Linux performance engineering: perf and the USE method in one binary";
const DESCRIPTION: &str = "perfuse fills in the USE checklist (utilization, saturation, errors) of a host, names the\n\
    bottleneck with its culprit, its victim and what to do, and explains every number.";
const SECTION: &str = "Section: admin\nPriority: optional";

/// Files that both packages must have; `perf` must not be among them: that name belongs to the system's own.
const CONTENTS: &[&str] = &[
    "usr/bin/perfuse",
    "usr/share/man/man1/perfuse.1.gz",
    "usr/share/man/man1/perfuse-use.1.gz",
    "usr/share/man/ko/man1/perfuse.1.gz",
    "usr/share/bash-completion/completions/perfuse",
    "usr/share/fish/vendor_completions.d/perfuse.fish",
    "usr/share/zsh/vendor-completions/_perfuse",
    "usr/share/doc/perfuse/README.md",
    "usr/share/doc/perfuse/README.ko.md",
    "usr/share/doc/perfuse/LICENSE-MIT",
    "usr/share/doc/perfuse/LICENSE-APACHE",
    "usr/share/doc/perfuse/changelog.gz",
    "usr/share/doc/perfuse/examples/perfuse.toml",
    "usr/lib/systemd/system/perfuse.service",
    "usr/lib/sysusers.d/perfuse.conf",
    "usr/lib/tmpfiles.d/perfuse.conf",
];

/// What both packages do after they put their files there, as a POSIX shell has it. Nothing is started: what a daemon is to
/// watch, its administrator says.
const AFTER_INSTALL: &str = "\
if command -v systemd-sysusers >/dev/null; then systemd-sysusers perfuse.conf || true
elif ! getent passwd perfuse >/dev/null; then useradd --system --user-group --home-dir /var/lib/perfuse \\
    --shell /usr/sbin/nologin perfuse || true; fi
if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create perfuse.conf || true; fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true
    systemctl try-restart perfuse.service || true; fi
";

/// What both packages do before their files go for good.
const BEFORE_REMOVAL: &str = "\
if [ -d /run/systemd/system ]; then systemctl disable --now perfuse.service || true; fi
";

/// `cargo xtask man [--out DIR]`.
pub(crate) fn generate(arguments: &[String]) -> Result<()> {
    let out = out(arguments)?;
    tools::run(&mut tools::cargo(["build", "--quiet", "--package", "perfuse"]))?;
    write_manuals(&tools::target().join("debug/perfuse"), &out)?;
    println!("manuals and completions are in {}", out.display());
    Ok(())
}

/// `cargo xtask package [--out DIR]`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let out = out(arguments)?;
    packages::ensure(For::Package)?;
    let version = version()?;
    let binary = static_binary(&out, &version)?;
    runs_alone(&binary, &out)?;
    let files = stage(&binary, &out)?;
    let deb = debian(&files, &out, &version)?;
    check(&deb, &tools::output(Command::new("dpkg-deb").arg("-c").arg(&deb))?)?;
    let rpm = rpm(&files, &out, &version)?;
    check(&rpm, &tools::output(Command::new("rpm").arg("-qlp").arg(&rpm))?)?;
    for file in [&binary, &deb, &rpm] {
        println!("{:>10} bytes  {}", file.metadata()?.len(), file.display());
    }
    Ok(())
}

fn out(arguments: &[String]) -> Result<PathBuf> {
    let (out, rest) = crate::options(arguments, "--out")?;
    if let Some(argument) = rest.first() {
        bail!("takes no argument: {argument}");
    }
    let out = out.map_or_else(|| tools::target().join("package"), PathBuf::from);
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    Ok(out.canonicalize()?)
}

fn version() -> Result<String> {
    let id = tools::output(&mut tools::cargo(["pkgid", "--package", "perfuse"]))?;
    let version = id.trim().rsplit(['#', '@']).next().map(str::to_owned);
    version.filter(|version| version.starts_with(|c: char| c.is_ascii_digit())).context("cargo pkgid tells no version")
}

/// The binary with the C library inside, stripped.
fn static_binary(out: &Path, version: &str) -> Result<PathBuf> {
    let binary = out.join(format!("perfuse-{version}-{}-linux", std::env::consts::ARCH));
    tools::output(Command::new("strip").arg("-o").arg(&binary).arg(build_static("release")?))?;
    Ok(binary)
}

/// Builds the binary with the C library inside, in this profile of cargo.
pub(crate) fn build_static(profile: &str) -> Result<PathBuf> {
    let host = tools::output(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV does not tell its host")?;
    let directory = tools::target().join("static");
    let mut cargo = tools::cargo(["build", "--profile", profile, "--quiet", "--package", "perfuse", "--target", host]);
    // With an explicit target the flag does not reach procedural macros, which cannot be static. The paths of the
    // machine that builds are cut out of what the binary would print in a panic.
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).unwrap_or_default();
    let flags = format!(
        "-Ctarget-feature=+crt-static --remap-path-prefix={}=. --remap-path-prefix={}/registry/src=crates",
        tools::root().display(),
        home.display()
    );
    cargo.arg("--target-dir").arg(&directory).env("RUSTFLAGS", flags);
    tools::run(&mut cargo)?;
    let profile = if profile == "dev" { "debug" } else { profile };
    Ok(directory.join(host).join(profile).join("perfuse"))
}

/// A static binary runs where there is nothing else: in an empty directory, without even /proc.
fn runs_alone(binary: &Path, out: &Path) -> Result<()> {
    let empty = out.join("empty");
    let _ = std::fs::remove_dir_all(&empty);
    std::fs::create_dir_all(&empty)?;
    std::fs::copy(binary, empty.join("perfuse"))?;
    // An ordinary user may change the root only in a user namespace of his own.
    let alone = |arguments: &[&str], fine: &[i32]| -> Result<String> {
        let mut command = if tools::is_root() { Command::new("chroot") } else { Command::new("unshare") };
        if !tools::is_root() {
            command.arg("--map-root-user").arg("--root");
        }
        command.arg(&empty);
        let output = command.arg("/perfuse").args(arguments).output().context("cannot change the root")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(code) if fine.contains(&code) && !text.is_empty() => Ok(text),
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                bail!("the static binary fails alone: {arguments:?}: {}: {said}", output.status)
            }
        }
    };
    print!("alone in an empty directory: {}", alone(&["--version"], &[0])?);
    // Nothing can be measured there: the whole checklist says so, and the status says that this is no good news.
    alone(&["use", "--duration", "200ms", "--interval", "100ms"], &[2])?;
    std::fs::remove_dir_all(&empty)?;
    Ok(())
}

/// The files of both packages, below one directory.
fn stage(binary: &Path, out: &Path) -> Result<PathBuf> {
    let stage = out.join("stage");
    let _ = std::fs::remove_dir_all(&stage);
    let share = stage.join("usr/share");
    let doc = share.join("doc/perfuse");
    install(binary, &stage.join("usr/bin/perfuse"), 0o755)?;

    let generated = out.join("generated");
    write_manuals(binary, &generated)?;
    for section in ["man/man1", "man/ko/man1"] {
        for entry in std::fs::read_dir(generated.join(section))? {
            let page = entry?.path();
            let name = page.file_name().context("a page has a name")?;
            let to = share.join(section).join(name);
            install(&page, &to, 0o644)?;
            compress(&to)?;
        }
    }
    let completions = generated.join("completions");
    install(&completions.join("perfuse.bash"), &share.join("bash-completion/completions/perfuse"), 0o644)?;
    install(&completions.join("perfuse.fish"), &share.join("fish/vendor_completions.d/perfuse.fish"), 0o644)?;
    install(&completions.join("_perfuse"), &share.join("zsh/vendor-completions/_perfuse"), 0o644)?;

    let (dist, lib) = (tools::root().join("dist"), stage.join("usr/lib"));
    install(&dist.join("perfuse.service"), &lib.join("systemd/system/perfuse.service"), 0o644)?;
    install(&dist.join("perfuse.sysusers"), &lib.join("sysusers.d/perfuse.conf"), 0o644)?;
    install(&dist.join("perfuse.tmpfiles"), &lib.join("tmpfiles.d/perfuse.conf"), 0o644)?;
    install(&tools::root().join("docs/perfuse.example.toml"), &doc.join("examples/perfuse.toml"), 0o644)?;

    for name in ["README.md", "README.ko.md", "ARCHITECTURE.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        install(&tools::root().join(name), &doc.join(name), 0o644)?;
    }
    install(&tools::root().join("CHANGELOG.md"), &doc.join("changelog"), 0o644)?;
    compress(&doc.join("changelog"))?;
    std::fs::write(doc.join("copyright"), copyright()?)?;
    Ok(stage)
}

fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    std::fs::create_dir_all(to.parent().context("a file has a directory")?)?;
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(std::fs::set_permissions(to, std::fs::Permissions::from_mode(mode))?)
}

/// Without name and time, so that the same sources give the same bytes.
fn compress(file: &Path) -> Result<()> {
    tools::output(Command::new("gzip").arg("-9nf").arg(file)).map(drop)
}

fn write_manuals(binary: &Path, out: &Path) -> Result<()> {
    tools::output(Command::new(binary).arg("__generate").arg(out)).map(drop)
}

/// The machine-readable copyright file of Debian.
fn copyright() -> Result<String> {
    let mit = std::fs::read_to_string(tools::root().join("LICENSE-MIT"))?;
    let mut text = String::from(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Upstream-Name: perfuse\n\n\
         Files: *\nCopyright: The perfuse authors\nLicense: Expat or Apache-2.0\n\n\
         Files: crates/perfuse-collect/bpf/*\nCopyright: The perfuse authors\nLicense: GPL-2.0-only or Expat\n\
         Comment: The BPF programs are declared to the kernel as \"Dual MIT/GPL\".\n\n\
         License: Apache-2.0\n On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.\n\n\
         License: GPL-2.0-only\n On Debian systems the full text is in /usr/share/common-licenses/GPL-2.\n\n\
         License: Expat\n",
    );
    for line in mit.lines().skip(4) {
        let _ = writeln!(text, " {}", if line.is_empty() { "." } else { line });
    }
    Ok(text)
}

fn debian(files: &Path, out: &Path, version: &str) -> Result<PathBuf> {
    let architecture = tools::output(Command::new("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let root = out.join("deb");
    let _ = std::fs::remove_dir_all(&root);
    tools::output(Command::new("cp").arg("-a").arg(files).arg(&root))?;
    std::fs::create_dir_all(root.join("DEBIAN"))?;
    let size = tools::output(Command::new("du").arg("-sk").arg(files))?;
    let size = size.split_whitespace().next().unwrap_or("0");
    let description = DESCRIPTION.lines().fold(String::new(), |text, line| text + " " + line + "\n");
    std::fs::write(
        root.join("DEBIAN/control"),
        format!(
            "Package: perfuse\nVersion: {version}\nArchitecture: {architecture}\n\
             Maintainer: The perfuse authors <perfuse@localhost>\nInstalled-Size: {size}\n{SECTION}\n\
             Description: {SUMMARY}\n{description}"
        ),
    )?;
    let scripts = [
        ("postinst", format!("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n{AFTER_INSTALL}fi\n")),
        ("prerm", format!("#!/bin/sh\nset -e\nif [ \"$1\" = remove ]; then\n{BEFORE_REMOVAL}fi\n")),
        (
            "postrm",
            "#!/bin/sh\nset -e\nif [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi\n\
             if [ \"$1\" = purge ]; then rm -rf /var/lib/perfuse; rmdir /etc/perfuse 2>/dev/null || true; fi\n"
                .to_owned(),
        ),
    ];
    for (name, text) in scripts {
        let path = root.join("DEBIAN").join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    let package = out.join(format!("perfuse_{version}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz", "--build"]).arg(&root).arg(&package);
    tools::output(build.env("SOURCE_DATE_EPOCH", source_date()))?;
    Ok(package)
}

fn rpm(files: &Path, out: &Path, version: &str) -> Result<PathBuf> {
    let top = out.join("rpm");
    let _ = std::fs::remove_dir_all(&top);
    std::fs::create_dir_all(&top)?;
    // The zsh of the RPM distributions looks elsewhere than Debian's.
    let spec = format!(
        "Name: perfuse\nVersion: {version}\nRelease: 1\nSummary: {SUMMARY}\nLicense: MIT OR Apache-2.0\n\
         AutoReqProv: no\n%global debug_package %{{nil}}\n%global __os_install_post %{{nil}}\n\
         %global _build_id_links none\n%global _buildhost reproducible\n%global use_source_date_epoch_as_buildtime 1\n\
         %description\n{DESCRIPTION}\n\
         %install\nmkdir -p %{{buildroot}}\ncp -a {files}/. %{{buildroot}}/\n\
         mkdir -p %{{buildroot}}/usr/share/zsh/site-functions\n\
         cp %{{buildroot}}/usr/share/zsh/vendor-completions/_perfuse %{{buildroot}}/usr/share/zsh/site-functions/\n\
         %post\n{AFTER_INSTALL}\n%preun\nif [ \"$1\" = 0 ]; then\n{BEFORE_REMOVAL}fi\n\
         %postun\nif [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi\n\
         %files\n%defattr(-,root,root)\n/usr/bin/perfuse\n%doc /usr/share/doc/perfuse\n\
         /usr/share/man/man1/*\n/usr/share/man/ko/man1/*\n/usr/share/bash-completion/completions/perfuse\n\
         /usr/share/fish/vendor_completions.d/perfuse.fish\n/usr/share/zsh/vendor-completions/_perfuse\n\
         /usr/share/zsh/site-functions/_perfuse\n/usr/lib/systemd/system/perfuse.service\n\
         /usr/lib/sysusers.d/perfuse.conf\n/usr/lib/tmpfiles.d/perfuse.conf\n",
        files = files.display(),
    );
    let file = top.join("perfuse.spec");
    std::fs::write(&file, spec)?;
    let mut build = Command::new("rpmbuild");
    build.arg("-bb").arg("--define").arg(format!("_topdir {}", top.display())).arg(&file);
    tools::output(build.env("SOURCE_DATE_EPOCH", source_date()))?;
    let mut found = Vec::new();
    for machine in std::fs::read_dir(top.join("RPMS"))? {
        for package in std::fs::read_dir(machine?.path())? {
            found.push(package?.path());
        }
    }
    let first = found.first().context("rpmbuild made no package")?;
    let package = out.join(first.file_name().context("a package has a name")?);
    std::fs::copy(first, &package)?;
    Ok(package)
}

/// The time of the last change, for reproducible archives.
fn source_date() -> String {
    let time = tools::output(Command::new("git").current_dir(tools::root()).args(["log", "-1", "--format=%ct"]));
    time.map_or_else(|_| "0".to_owned(), |time| time.trim().to_owned())
}

/// Whether a listing has all files and not `perf`.
fn check(package: &Path, listing: &str) -> Result<()> {
    let paths: Vec<&str> = listing.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let has = |wanted: &str| {
        paths.iter().any(|path| path.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/') == wanted)
    };
    if let Some(missing) = CONTENTS.iter().find(|wanted| !has(wanted)) {
        bail!("{} lacks {missing}", package.display());
    }
    if has("usr/bin/perf") {
        bail!("{} would replace the system's perf", package.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_must_have_everything_and_not_perf() {
        let package = Path::new("a.deb");
        let all =
            CONTENTS.iter().fold(String::new(), |text, path| text + "-rw-r--r-- root/root 1 2026 ./" + path + "\n");
        assert!(check(package, &all).is_ok());
        assert!(check(package, &all.replace("./usr/bin/perfuse\n", "./usr/bin/other\n")).is_err());
        assert!(check(package, &(all + "/usr/bin/perf\n")).is_err());
    }
}
