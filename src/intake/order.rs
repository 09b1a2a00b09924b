//! Files that come in together: in whatever order they are named, each comes after those that it builds on.

use std::collections::VecDeque;

use super::Incoming;
use super::kinds::Kind;

/// Which file comes next.
#[derive(Debug)]
pub struct Order<'f> {
    files: &'f [&'f Incoming],
    left: VecDeque<usize>,
    /// Refused so far; what others bring may help them.
    waiting: Vec<usize>,
    /// Whether any came in since the last that waits was tried.
    progressed: bool,
}

impl<'f> Order<'f> {
    /// Areas before staff, staff before assignments.
    pub fn of(files: &'f [&'f Incoming]) -> Order<'f> {
        let mut left: Vec<usize> = (0..files.len()).collect();
        left.sort_by_key(|at| files[*at].kinds().min());
        Order { files, left: left.into(), waiting: Vec::new(), progressed: false }
    }

    /// The next file's place; nothing at the end.
    pub fn next_file(&mut self) -> Option<usize> {
        if self.left.is_empty() {
            self.left.extend(self.waiting.drain(..));
            self.progressed = false;
        }
        self.left.pop_front()
    }

    /// The file came in.
    pub fn came_in(&mut self) {
        self.progressed = true;
    }

    /// The file was refused. True where it's tried once more, after one that may bring what it lacks.
    pub fn waits(&mut self, at: usize) -> bool {
        let last = self.files[at].kinds().max();
        let may_help = |other: &usize| {
            let first = self.files[*other].kinds().min();
            first < last || first == Some(Kind::Areas)
        };
        let waits =
            self.left.iter().any(may_help) || self.progressed && self.waiting.iter().any(may_help);
        if waits {
            self.waiting.push(at);
        }
        waits
    }

    /// Those that haven't come in.
    pub fn rest(&self) -> Vec<usize> {
        let mut rest: Vec<usize> = self.left.iter().chain(&self.waiting).copied().collect();
        rest.sort_unstable();
        rest
    }
}
