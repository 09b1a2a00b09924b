//! A server's record by PostgreSQL's own programs: dumped as it stood at one instant, read back, put into a database.

use std::io::{BufReader, Write};
use std::path::Path;

use super::archive::{Copy, create, open};
use super::stream::BackupKey;
use super::tools::{for_server, run, tool};
use super::{BackupError, dump};
use crate::clock::Chance;
use crate::db::Original;
use crate::domain::backup::{Contents, Manifest};
use crate::private_file::PrivateFile;

/// Dumps the record at `url` into a file that is being written.
pub(super) async fn seal(
    url: &str,
    mut part: PrivateFile,
    key: &BackupKey,
    chance: &Chance,
    manifest: impl FnOnce(Contents) -> Manifest,
) -> Result<(PrivateFile, Manifest), BackupError> {
    let mut original = Original::at(url).await?;
    let program = tool("pg_dump", original.server_version().await?)?;
    // What is counted and what is dumped are of the same instant.
    let frozen = original.freeze().await?;
    let manifest = manifest(frozen.contents.clone());
    let mut command = for_server(program, url);
    command.args(["--format=custom", "--no-owner", "--no-privileges", "--no-password"]);
    command.arg("--lock-wait-timeout=30s");
    command.arg(format!("--snapshot={}", frozen.snapshot));
    command.arg(format!("--schema=\"{}\"", frozen.schema));
    let (key, chance, own) = (key.clone(), chance.clone(), manifest.clone());
    let sealed = tokio::task::spawn_blocking(move || {
        run(&mut command, None, |mut dump| {
            let mut sealing = create(&mut part, &key, &chance, &own)?;
            std::io::copy(&mut dump, &mut sealing)?;
            sealing.finish()?.flush()
        })
        .map(|()| part)
    });
    let sealed = sealed.await.map_err(|panic| BackupError::Rule(panic.to_string()))?;
    frozen.end().await?;
    Ok((sealed?, manifest))
}

/// Reads a backup through to its end, and counts what it holds.
pub(super) async fn look_through(mut copy: Copy, version: u32) -> Result<Contents, BackupError> {
    let program = tool("pg_restore", version)?;
    let mut command = std::process::Command::new(program);
    command.env("LC_ALL", "C").arg("--file=-");
    let counted = tokio::task::spawn_blocking(move || {
        run(&mut command, Some(&mut copy), |dump| dump::contents(BufReader::new(dump)))
    });
    counted.await.map_err(|panic| BackupError::Rule(panic.to_string()))?
}

/// Puts a backup's tables into the database at `url`, all or none.
pub(super) async fn put_into(url: &str, file: &Path, key: &BackupKey) -> Result<(), BackupError> {
    let mut server = Original::at(url).await?;
    let (schema, version) = (server.schema().await?, server.server_version().await?);
    server.close().await?;
    let (_, mut copy) = open(file, key)?;
    let mut command = for_server(tool("pg_restore", version)?, url);
    command.args(["--no-owner", "--no-privileges", "--no-password"]);
    command.args(["--single-transaction", "--exit-on-error"]);
    // The schema is there; only what stands in it is put back.
    command.arg(format!("--schema={schema}"));
    let put = tokio::task::spawn_blocking(move || {
        run(&mut command, Some(&mut copy), |mut said| {
            std::io::copy(&mut said, &mut std::io::sink()).map(drop)
        })
    });
    put.await.map_err(|panic| BackupError::Rule(panic.to_string()))?
}

/// The version of the server at `url`.
pub(super) async fn version(url: &str) -> Result<u32, BackupError> {
    let mut server = Original::at(url).await?;
    let version = server.server_version().await?;
    server.close().await?;
    Ok(version)
}
