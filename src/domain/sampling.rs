//! 抽样: which of those that were visited an inspector calls at again. Pure: chance is handed in, and the same chance draws the
//! same.

/// What is drawn from together: a village, and what was visited there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stratum {
    pub area: String,
    pub members: Vec<String>,
}

/// How many are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many in all: by the size of each village, and at least one of each while that goes.
    InAll(usize),
    /// So many of each village.
    Each(usize),
}

/// A number below its argument, by chance.
pub type Below<'c> = &'c mut (dyn FnMut(usize) -> usize + Send);

/// Draws, without any twice: each member of a village is as likely as another of it. In the order of the villages.
///
/// ```
/// use zoufang::domain::sampling::{Size, Stratum, draw};
/// let village = |area: &str, count: usize| Stratum {
///     area: area.to_owned(),
///     members: (0..count).map(|n| format!("{area}{n}")).collect(),
/// };
/// let drawn = draw(&[village("甲", 90), village("乙", 10)], Size::InAll(10), &mut |below| below / 2);
/// assert_eq!(drawn.iter().map(|of| of.members.len()).collect::<Vec<_>>(), [9, 1]);
/// ```
pub fn draw(strata: &[Stratum], size: Size, below: Below<'_>) -> Vec<Stratum> {
    let shares = match size {
        Size::Each(each) => strata.iter().map(|of| each.min(of.members.len())).collect(),
        Size::InAll(all) => shares(strata, all, below),
    };
    let drawn = strata.iter().zip(shares);
    let drawn = drawn.map(|(of, share)| Stratum {
        area: of.area.clone(),
        members: some_of(&of.members, share, below),
    });
    drawn.filter(|of| !of.members.is_empty()).collect()
}

/// How many of each: one, where there are enough for that; the rest by size, and what is left by the largest remainder.
fn shares(strata: &[Stratum], all: usize, below: Below<'_>) -> Vec<usize> {
    let sizes: Vec<usize> = strata.iter().map(|of| of.members.len()).collect();
    let population: usize = sizes.iter().sum();
    let all = all.min(population);
    let inhabited: Vec<usize> = (0..sizes.len()).filter(|at| sizes[*at] > 0).collect();
    if all < inhabited.len() {
        // Not one for each: which have one is by chance.
        let chosen = some_of(&inhabited, all, below);
        return (0..sizes.len()).map(|at| usize::from(chosen.contains(&at))).collect();
    }
    let mut shares: Vec<usize> = sizes.iter().map(|size| usize::from(*size > 0)).collect();
    let exact = |at: usize| all * sizes[at];
    for at in &inhabited {
        shares[*at] = (exact(*at) / population).max(1);
    }
    // Those that have one for being small leave fewer to the large.
    while shares.iter().sum::<usize>() > all {
        let most = inhabited.iter().copied().filter(|at| shares[*at] > 1);
        let over = |at: &usize| shares[*at] * population - exact(*at).min(shares[*at] * population);
        let Some(at) = most.max_by_key(over) else { break };
        shares[at] -= 1;
    }
    while shares.iter().sum::<usize>() < all {
        let free = inhabited.iter().copied().filter(|at| shares[*at] < sizes[*at]);
        let under = |at: &usize| exact(*at).saturating_sub(shares[*at] * population);
        let Some(at) = free.max_by_key(under) else { break };
        shares[at] += 1;
    }
    shares
}

/// So many of them, in their order, each set as likely as another.
fn some_of<T: Clone>(all: &[T], count: usize, below: Below<'_>) -> Vec<T> {
    let mut places: Vec<usize> = (0..all.len()).collect();
    let count = count.min(all.len());
    for at in 0..count {
        places.swap(at, at + below(all.len() - at));
    }
    let mut chosen = places[..count].to_vec();
    chosen.sort_unstable();
    chosen.into_iter().map(|at| all[at].clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn strata(sizes: &[usize]) -> Vec<Stratum> {
        let members = |at: usize, size: usize| (0..size).map(|n| format!("{at}-{n}")).collect();
        let of = |(at, size): (usize, &usize)| Stratum {
            area: at.to_string(),
            members: members(at, *size),
        };
        sizes.iter().enumerate().map(of).collect()
    }

    /// Numbers by a rule (Knuth's), so that nothing here draws chance.
    fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from((state >> 33) % (below.max(1) as u64)).unwrap_or(0)
        }
    }

    proptest! {
        #[test]
        fn a_sample_is_as_large_as_asked_and_has_nobody_twice(
            sizes in prop::collection::vec(0usize..40, 1..12), all in 0usize..120, seed: u64,
        ) {
            let strata = strata(&sizes);
            let drawn = draw(&strata, Size::InAll(all), &mut numbers(seed));
            let members: Vec<&String> = drawn.iter().flat_map(|of| &of.members).collect();
            let population: usize = sizes.iter().sum();
            prop_assert_eq!(members.len(), all.min(population));
            prop_assert_eq!(members.iter().collect::<HashSet<_>>().len(), members.len());
            let inhabited = sizes.iter().filter(|size| **size > 0).count();
            if all >= inhabited {
                prop_assert_eq!(drawn.len(), inhabited, "each village has one");
            }
            let again = draw(&strata, Size::InAll(all), &mut numbers(seed));
            prop_assert_eq!(drawn, again, "the same chance draws the same");
        }

        #[test]
        fn of_each_village_as_many_as_asked(
            sizes in prop::collection::vec(0usize..40, 1..12), each in 0usize..9, seed: u64,
        ) {
            let drawn = draw(&strata(&sizes), Size::Each(each), &mut numbers(seed));
            let all: usize = drawn.iter().map(|of| of.members.len()).sum();
            prop_assert_eq!(all, sizes.iter().map(|size| each.min(*size)).sum::<usize>());
        }
    }

    #[test]
    fn nobody_of_a_village_is_likelier_than_another() {
        let strata = strata(&[10, 30]);
        let mut drawn: BTreeMap<String, usize> = BTreeMap::new();
        let mut chance = numbers(7);
        for _ in 0..4_000 {
            for of in draw(&strata, Size::InAll(8), &mut chance) {
                of.members.into_iter().for_each(|member| *drawn.entry(member).or_default() += 1);
            }
        }
        // Two of ten, six of thirty: each in one of five draws.
        assert_eq!(drawn.len(), 40);
        assert!(drawn.values().all(|times| (650..950).contains(times)), "{drawn:?}");
    }
}
