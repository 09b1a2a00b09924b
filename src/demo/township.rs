//! The township as its files: real areas, made-up branches and people.

use crate::clock::Chance;

const AREAS: &str = include_str!("../../config/areas/chaihudian-areas.csv");
const TOWN: &str = "370481111000";
/// 总支, to which the plan's summaries belong; the real ones aren't published.
const BRANCHES: usize = 5;

const FAMILY_NAMES: [&str; 16] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "马", "朱", "胡", "郭",
];
const GIVEN_NAMES: [&str; 20] = [
    "建国", "秀英", "玉兰", "志强", "桂英", "德福", "春梅", "洪伟", "传喜", "凤霞", "庆余", "成才",
    "淑珍", "学军", "广田", "爱民", "长河", "文秀", "守义", "兴旺",
];
/// What the plan's scope names beside households, and how many of each a town has.
const PLACES: [(&str, &str, usize); 7] = [
    ("商铺", "示例便民超市", 20),
    ("企业", "示例机械厂", 6),
    ("学校", "示例小学", 5),
    ("医院", "示例卫生室", 3),
    ("市场", "示例集贸市场", 2),
    ("机关", "示例机关", 3),
    ("事业单位", "示例事业单位", 2),
];

/// A place that is visited, with the people met there.
#[derive(Debug, Clone)]
struct Place {
    number: String,
    kind: &'static str,
    name: String,
    village: String,
    visitor: String,
    residents: Vec<(String, String)>,
}

/// The whole township.
#[derive(Debug)]
pub struct Township {
    villages: Vec<(String, String)>,
    branches: Vec<String>,
    places: Vec<Place>,
    staff: Vec<String>,
}

impl Township {
    /// With `households` in each village.
    pub fn new(households: usize, chance: &Chance) -> Township {
        let villages: Vec<(String, String)> = AREAS
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(',');
                let (code, name, kind) = (fields.next()?, fields.next()?, fields.next()?);
                (kind == "village").then(|| (code.to_owned(), name.to_owned()))
            })
            .collect();
        let branches = (1..=BRANCHES).map(|n| format!("示例第{n}总支")).collect();
        let mut township = Township { villages, branches, places: Vec::new(), staff: Vec::new() };
        township.appoint(chance);
        township.settle(households, chance);
        township
    }

    fn appoint(&mut self, chance: &Chance) {
        let mut number = 0;
        let mut add = |roles: &str, area: &str, unit: &str| {
            number += 1;
            self.staff.push(format!(
                "Z{number:04},{},{roles},{area},{unit},{}",
                person(chance),
                phone(chance)
            ));
        };
        for (role, unit) in [
            ("领导小组", "镇党委"),
            ("镇社会治理综合服务中心", "镇社会治理综合服务中心"),
            ("组织人事办公室", "镇组织人事办公室"),
            ("督导组", "镇督导组"),
        ] {
            add(role, TOWN, unit);
        }
        for branch in &self.branches {
            add("总支书记", branch, branch);
        }
        for (code, name) in &self.villages {
            add("包村干部", code, "镇政府");
            add("网格员", code, name);
            add("走访人员、村两委", code, name);
            add("走访人员、村两委", code, name);
        }
    }

    /// The number of a village's first or second visitor, as `appoint` gave them.
    fn visitor(village: usize, which: usize) -> String {
        format!("Z{:04}", 4 + BRANCHES + village * 4 + 3 + which)
    }

    fn settle(&mut self, households: usize, chance: &Chance) {
        for (index, (code, _)) in self.villages.iter().enumerate() {
            for household in 0..households {
                let head = person(chance);
                let mut residents = vec![(head.clone(), phone(chance))];
                if chance.fraction() < 0.4 {
                    residents.push((person(chance) + "家属", phone(chance)));
                }
                self.places.push(Place {
                    number: format!("H{}{:04}", &code[9..], household + 1),
                    kind: "家庭",
                    name: head,
                    village: code.clone(),
                    visitor: Self::visitor(index, household % 2),
                    residents,
                });
            }
        }
        let mut number = 0;
        for (kind, name, count) in PLACES {
            for _ in 0..count {
                let village = number % self.villages.len();
                number += 1;
                self.places.push(Place {
                    number: format!("P{number:04}"),
                    kind,
                    name: format!("{name}{number}"),
                    village: self.villages[village].0.clone(),
                    visitor: Self::visitor(village, number % 2),
                    residents: vec![(person(chance), phone(chance))],
                });
            }
        }
    }

    /// The files that a township imports before the campaign, with their names.
    pub fn files(&self) -> Vec<(String, String)> {
        let branches = self.branches.iter().map(|branch| format!(",{branch},总支,{TOWN}\n"));
        let each = self.villages.len().div_ceil(BRANCHES);
        let villages = self.villages.iter().enumerate();
        let villages = villages
            .map(|(n, (code, name))| format!("{code},{name},村,{}\n", self.branches[n / each]));
        let areas: String = std::iter::once(format!("{TOWN},柴胡店镇,镇,370481000000\n"))
            .chain(branches)
            .chain(villages)
            .collect();
        let staff: String = self.staff.iter().map(|line| format!("{line}\n")).collect();
        let subjects = self
            .places
            .iter()
            .map(|p| format!("{},{},{},{},\n", p.number, p.kind, p.name, p.village));
        let assignments = self.places.iter().map(|p| format!("{},{}\n", p.number, p.visitor));
        let residents = self.places.iter().flat_map(|place| {
            let line = |(name, contact): &_| format!("{},{name},{contact},\n", place.number);
            place.residents.iter().map(line).collect::<Vec<_>>()
        });
        [
            ("区划.csv", format!("区划代码,区划名称,区划类型,上级区划\n{areas}")),
            ("走访人员.csv", format!("人员编号,姓名,角色,所属区划,工作单位,手机号\n{staff}")),
            (
                "走访对象.csv",
                format!("对象编号,对象类型,对象名称,所属村,地址\n{}", subjects.collect::<String>()),
            ),
            ("走访安排表.csv", format!("对象编号,走访人员\n{}", assignments.collect::<String>())),
            (
                "群众名册.csv",
                format!("对象编号,群众姓名,联系方式,未走访原因\n{}", residents.collect::<String>()),
            ),
        ]
        .map(|(name, table)| (name.to_owned(), table))
        .to_vec()
    }
}

fn person(chance: &Chance) -> String {
    let family = FAMILY_NAMES[chance.below(FAMILY_NAMES.len())];
    let given = GIVEN_NAMES[chance.below(GIVEN_NAMES.len())];
    format!("示例{family}{given}")
}

/// No telephone in China begins with 100.
fn phone(chance: &Chance) -> String {
    format!("100{:08}", chance.below(100_000_000))
}
