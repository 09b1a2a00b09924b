//! One test program: the rules, the record on both databases, and the program from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "other processes are waited for in real time")]

mod again;
mod awkward;
mod backup;
mod certificates;
mod channels;
mod checking;
mod cli;
mod db;
mod deliveries;
mod demo;
mod derivation;
mod domain;
mod duties;
mod every_duty;
mod figures;
mod files;
mod following;
mod imports;
mod intake;
mod kill;
mod lanes;
mod line;
mod messages;
mod migrations;
mod numbers;
mod obligations;
mod open311;
mod outbox;
mod outcomes;
mod packages;
mod pages;
mod photos;
mod plans;
mod plans_of_queries;
mod push;
mod readers;
mod readme;
mod referral;
mod reminders;
mod rest;
mod restored;
mod round_trip;
mod sandbox;
mod schedule;
mod simulation;
mod standing;
mod support;
mod trust;
mod workbook;
mod year;
mod zoo;
