//! A choice among boxes, as forms that were made for paper have it: ☑镇村自办 □镇市联动 □市直单办.

/// Boxes that nobody ticked, and ticked ones.
const EMPTY: [char; 4] = ['□', '☐', '▢', '◻'];
const TICKED: [char; 7] = ['☑', '☒', '■', '√', '✓', '✔', '◼'];

/// What is ticked, where the text is nothing but choices with boxes before or behind them; else nothing.
///
/// # Errors
/// Where none is ticked, or several: what was seen.
pub(super) fn ticked(text: &str) -> Option<Result<String, String>> {
    let is_box = |c: char| EMPTY.contains(&c) || TICKED.contains(&c);
    let boxes: Vec<char> = text.chars().filter(|c| is_box(*c)).collect();
    let is_first = text.starts_with(is_box);
    if !boxes.iter().any(|c| EMPTY.contains(c)) || is_first == text.ends_with(is_box) {
        return None;
    }
    let labels = text.split(is_box).map(|label| label.trim_matches([' ', '、', ',', ';']));
    let labels: Vec<&str> = labels.collect();
    let labels = if is_first { &labels[1..] } else { &labels[..labels.len() - 1] };
    // □√有: a tick that was written into its box.
    let mut choices: Vec<(bool, &str)> = Vec::new();
    let mut is_ticked = false;
    for (mark, label) in boxes.iter().zip(labels.iter().copied()) {
        is_ticked |= TICKED.contains(mark);
        if label.is_empty() {
            continue;
        }
        choices.push((is_ticked, label));
        is_ticked = false;
    }
    if choices.len() < 2 {
        return None;
    }
    let mut chosen = choices.iter().filter(|(is_ticked, _)| *is_ticked).map(|(_, label)| label);
    Some(match (chosen.next(), chosen.next()) {
        (Some(one), None) => Ok((*one).to_owned()),
        (None, _) => Err("一个也没有勾选：请只写选中的那一个".to_owned()),
        (Some(one), Some(other)) => {
            Err(format!("勾选了「{one}」和「{other}」：请只写选中的那一个"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::ticked;

    #[test]
    fn the_one_that_is_ticked_is_meant() {
        for (text, meant) in [
            ("☑镇村自办□镇市联动□市直单办", "镇村自办"),
            ("□镇村自办□镇市联动■市直单办", "市直单办"),
            ("□有√无", "无"),
            ("□√有□无", "有"),
            ("有□无☑", "无"),
            ("☐急 ☒一般 ☐长期", "一般"),
        ] {
            assert_eq!(ticked(text), Some(Ok(meant.to_owned())), "{text}");
        }
        for text in ["□有□无", "☑有☑无□其他"] {
            assert!(ticked(text).is_some_and(|choice| choice.is_err()), "{text}");
        }
        for text in ["王□", "□", "有", "√", "□有", "王□国"] {
            assert_eq!(ticked(text), None, "{text}");
        }
    }
}
