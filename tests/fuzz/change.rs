//! Changes at random, the same for the same seed.

/// Chance from a seed (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below that; 0 where there's none.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % (count.max(1) as u64)) as usize
    }
}

/// One of the seeds, changed in a few places.
pub fn changed(chance: &mut Chance, seeds: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        change(chance, &mut bytes, seeds, words);
    }
    bytes
}

fn change(chance: &mut Chance, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]]) {
    let at = chance.below(bytes.len() + 1);
    let length = chance.below(64).min(bytes.len() - at);
    match chance.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
        1 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
        2 => drop(bytes.drain(at..at + length)),
        3 => {
            let again = bytes[at..at + length].repeat(1 + chance.below(40));
            bytes.splice(at..at, again);
        }
        4 => bytes.truncate(at),
        5 => {
            let other = &seeds[chance.below(seeds.len())];
            let from = chance.below(other.len() + 1);
            let to = (from + chance.below(400)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        6 => {
            let to = chance.below(bytes.len() + 1);
            let part: Vec<u8> = bytes.drain(at..at + length).collect();
            let to = to.min(bytes.len());
            bytes.splice(to..to, part);
        }
        _ => {
            let word = words[chance.below(words.len())];
            bytes.splice(at..at, word.iter().copied());
        }
    }
}
