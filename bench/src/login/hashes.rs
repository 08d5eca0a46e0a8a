//! The bare hash, by every implementation that needs no more than Rust.

use std::{fmt::Display, time::Duration};

use anyhow::{anyhow, ensure};

use crate::{
    cpu,
    timing::{Timings, millis},
};

const PASSWORD: &[u8] = b"correct horse battery staple";
const SALT: &[u8] = b"sixteen bytes..";

/// The parameters of new hashes.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;

/// What one implementation takes.
pub(super) struct Bare {
    name: &'static str,
    first: Duration,
    warm: Timings,
}

type Hash = Box<dyn FnMut() -> anyhow::Result<Vec<u8>>>;

/// All in turn, so that what else the machine does meets all alike.
pub(super) fn measure(runs: usize) -> anyhow::Result<Vec<Bare>> {
    let mut hashes = implementations()?;
    let mut bare = Vec::new();
    let mut outputs = Vec::new();
    for (name, hash) in &mut hashes {
        let (first, output) = cpu::taken(hash)?;
        outputs.push(output);
        let warm = Timings::default();
        bare.push(Bare { name, first, warm });
    }
    let agree = outputs.windows(2).all(|pair| pair.first() == pair.last());
    ensure!(agree, "the implementations do not agree");
    for _ in 0..runs {
        for ((_, hash), bare) in hashes.iter_mut().zip(&mut bare) {
            bare.warm.add(cpu::taken(hash)?.0);
        }
    }
    Ok(bare)
}

fn implementations() -> anyhow::Result<Vec<(&'static str, Hash)>> {
    let params =
        argon2::Params::new(MEMORY, PASSES, 1, Some(32)).map_err(|error| anyhow!("{error}"))?;
    let count = params.block_count();
    let reference =
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let reused = reference.clone();
    let mut blocks = vec![argon2::Block::default(); count];
    let config = rust_argon2::Config {
        variant: rust_argon2::Variant::Argon2id,
        version: rust_argon2::Version::Version13,
        mem_cost: MEMORY,
        time_cost: PASSES,
        lanes: 1,
        hash_length: 32,
        ..rust_argon2::Config::default()
    };
    let simd = argon2_rust::Argon2::new(
        argon2_rust::Algorithm::Argon2id,
        argon2_rust::Version::V0x13,
        argon2_rust::Params::builder()
            .memory(argon2_rust::params::Memory::kib(MEMORY.into()))
            .passes(PASSES)
            .lanes(1)
            .build()
            .map_err(|error| anyhow!("{error}"))?,
    );
    let mut hasher = simd.hasher();
    Ok(vec![
        (
            "argon2, the reference",
            Box::new(move || output(|out| reference.hash_password_into(PASSWORD, SALT, out))),
        ),
        (
            "argon2, memory kept",
            Box::new(move || {
                output(|out| {
                    reused.hash_password_into_with_memory(PASSWORD, SALT, out, &mut blocks)
                })
            }),
        ),
        (
            "rust-argon2",
            Box::new(move || Ok(rust_argon2::hash_raw(PASSWORD, SALT, &config)?)),
        ),
        (
            "argon2-rust",
            Box::new(move || output(|out| simd.hash_into(PASSWORD, SALT, out))),
        ),
        (
            "argon2-rust, memory kept",
            Box::new(move || output(|out| hasher.hash_into(PASSWORD, SALT, out))),
        ),
    ])
}

fn output<E: Display>(hash: impl FnOnce(&mut [u8]) -> Result<(), E>) -> anyhow::Result<Vec<u8>> {
    let mut output = vec![0; 32];
    hash(&mut output).map_err(|error| anyhow!("{error}"))?;
    Ok(output)
}

/// The time of the fastest, in milliseconds.
pub(super) fn fastest(all: &[Bare]) -> f64 {
    let times = all.iter().map(|bare| bare.warm.percentile(50));
    times.fold(f64::INFINITY, f64::min)
}

impl Bare {
    pub(super) fn row(&self, fastest: f64) -> String {
        let (first, warm) = (millis(self.first), self.warm.percentile(50));
        let ratio = warm / fastest;
        format!("| {} | {first:.2} | {warm:.2} | {ratio:.2} |", self.name)
    }
}
