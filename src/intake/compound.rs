//! The container of the older workbooks: sectors in chains. One that never ends would be followed until there's no memory.

/// What stands above this number is no sector: the end of a chain, a free one, one of the tables.
const SECTORS_BELOW: u32 = 0xffff_fffa;

/// Whether every chain ends: none comes back to a sector that it went through.
pub(super) fn chains_end(bytes: &[u8]) -> bool {
    let container = Container { bytes };
    container.table().is_some_and(|table| ends(&table) && ends(&container.small_table(&table)))
}

struct Container<'b> {
    bytes: &'b [u8],
}

impl Container<'_> {
    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn size(&self) -> Option<usize> {
        let shift = u32::from(*self.bytes.get(0x1e)?);
        (7..=16).contains(&shift).then(|| 1 << shift)
    }

    /// The numbers in a sector; fewer at the end of the file.
    fn numbers(&self, sector: u32) -> Option<Vec<u32>> {
        let size = self.size()?;
        let start = (sector as usize).checked_add(1)?.checked_mul(size)?;
        let end = start.checked_add(size)?.min(self.bytes.len());
        let bytes = self.bytes.get(start..end).unwrap_or_default();
        let number = |four: &[u8]| four.try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
        Some(bytes.chunks_exact(4).map(number).collect())
    }

    /// Which sector follows each; nothing where even the list of the table's own sectors doesn't end.
    fn table(&self) -> Option<Vec<u32>> {
        let mut own: Vec<u32> = (0..109).map_while(|place| self.number(0x4c + place * 4)).collect();
        let mut next = self.number(0x44)?;
        let most = self.bytes.len() / self.size()?;
        let mut count = 0;
        while next < SECTORS_BELOW {
            count += 1;
            if count > most {
                return None;
            }
            own.extend(self.numbers(next)?);
            next = own.pop()?;
        }
        own.retain(|sector| *sector < SECTORS_BELOW);
        // Each sector of the table stands there once.
        if own.len() > most {
            return None;
        }
        let numbers = own.iter().map(|sector| self.numbers(*sector));
        Some(numbers.collect::<Option<Vec<_>>>()?.concat())
    }

    /// Which small sector follows each.
    fn small_table(&self, table: &[u32]) -> Vec<u32> {
        let mut numbers = Vec::new();
        let mut next = self.number(0x3c);
        // The table's chains end.
        while let Some(sector) = next.filter(|sector| (*sector as usize) < table.len()) {
            numbers.extend(self.numbers(sector).unwrap_or_default());
            next = Some(table[sector as usize]);
        }
        numbers
    }
}

fn ends(table: &[u32]) -> bool {
    // By which walk each was gone through, from 1.
    let mut walked = vec![0_u32; table.len()];
    for (walk, start) in (1..).zip(0..table.len()) {
        let mut at = start;
        while at < table.len() && walked[at] == 0 {
            walked[at] = walk;
            at = table[at] as usize;
        }
        if at < table.len() && walked[at] == walk {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_comes_back_is_found() {
        for whole in [
            &include_bytes!("../../tests/files/habits/xlwt.xls")[..],
            &include_bytes!("../../tests/files/habits/libreoffice.xls")[..],
        ] {
            assert!(chains_end(whole));
            let number = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
            let (table, directory) = (number(0x4c) as usize, number(0x30));
            let mut bad = whole.to_vec();
            let place = (table + 1) * 512 + directory as usize * 4;
            bad[place..place + 4].copy_from_slice(&directory.to_le_bytes());
            assert!(!chains_end(&bad));
            // So is a list of the table's sectors that names itself, and a file that is cut is none.
            let mut bad = whole.to_vec();
            bad[0x44..0x48].copy_from_slice(&0_u32.to_le_bytes());
            bad[1_020..1_024].copy_from_slice(&0_u32.to_le_bytes());
            assert!(!chains_end(&bad));
            assert!(!chains_end(&whole[..20]));
        }
        assert!(ends(&[1, 2, u32::MAX]) && ends(&[2, 2, u32::MAX]) && ends(&[]));
        assert!(!ends(&[1, 0]) && !ends(&[1, 2, 1]));
    }
}
