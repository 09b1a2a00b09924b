//! What is on the platform of an issue that isn't to be worked on there any more, and what a person does about it: nobody
//! but they can take it back.

/// Where one of an issue's referrals is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It hasn't left, and won't.
    Here,
    /// It may have arrived: that is being looked into.
    Maybe,
    /// Whoever uploads has it in a hand-off.
    Handed,
    /// It's there, under these numbers; none where the platform gave none yet.
    There(Vec<String>),
    /// The platform has ended or refused it.
    Over,
}

impl Place {
    /// Where it is, in words. `numbers`: all that it ever had there.
    pub fn in_words(&self, numbers: &[String]) -> String {
        match self {
            Place::Here => "没有发出".to_owned(),
            Place::Maybe => "可能已发出，正在核实".to_owned(),
            Place::Handed => "已列入交接单".to_owned(),
            Place::There(numbers) if numbers.is_empty() => "已送达，还没有编号".to_owned(),
            Place::There(numbers) => format!("平台编号 {}", numbers.join("、")),
            Place::Over if numbers.is_empty() => "平台已了结".to_owned(),
            Place::Over => format!("平台编号 {}，平台已了结", numbers.join("、")),
        }
    }
}

/// What to tell whoever has just withdrawn an issue, or ended it here, of where one referral of it is; nothing where there is
/// nothing to do. `told`: whether the platform is told of it by itself.
///
/// ```
/// use zoufang::domain::there::{Place, to_do};
/// let said = to_do(&Place::There(vec!["2201".to_owned()]), "CHD2022-000007-R1", false).unwrap();
/// assert!(said.contains("平台编号 2201") && said.contains("请到平台上"));
/// assert_eq!(to_do(&Place::Here, "CHD2022-000007-R1", false), None);
/// ```
pub fn to_do(place: &Place, reference: &str, told: bool) -> Option<String> {
    let informed = if told {
        "平台会收到一条回告，但不会因此自己撤销"
    } else {
        "系统不会替人撤回"
    };
    Some(match place {
        Place::Here | Place::Over => return None,
        Place::There(numbers) if numbers.is_empty() => format!(
            "注意：这一件已在平台上（上报编号 {reference}，平台还没有给编号）。{informed}：请到平台上按上报编号找到它，撤销或请平台标明不再办理"
        ),
        Place::There(numbers) => format!(
            "注意：这一件还在平台上（平台编号 {}，上报编号 {reference}）。{informed}：请到平台上撤销它，或请平台标明不再办理",
            numbers.join("、")
        ),
        Place::Maybe => format!(
            "注意：这一件可能已经发到平台（上报编号 {reference}），正在核实，不会再发。核实结果用 zoufang outbox show referral:{reference} 查看；在平台上找到的，请撤销"
        ),
        Place::Handed => format!(
            "注意：这一件已列入上报交接单（上报编号 {reference}）。请告诉上报的人不要再录入，已经录入的请在平台上撤销"
        ),
    })
}
