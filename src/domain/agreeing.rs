//! Whether what stands beside a number in a table agrees with what is known of whatever the number names. One column that
//! was sorted alone, or a row that slipped, is told by it.

use super::area::are_one_place;

/// The letters, digits and hanzi of a text.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Without what is said in brackets behind it.
pub fn before_bracket(text: &str) -> &str {
    text.split(['(', '（']).next().unwrap_or(text)
}

/// Whether a person is called so: 王建国, 王建国（户主）, one of 王建国、李秀英, with a number before it.
///
/// ```
/// use zoufang::domain::agreeing::are_one_person;
/// assert!(are_one_person("王建国（户主）", "王建国") && are_one_person("Z6 褚走", "褚走"));
/// assert!(!are_one_person("王建军", "王建国") && !are_one_person("便民超市", "王建国"));
/// ```
pub fn are_one_person(told: &str, known: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let apart = |c: char| c.is_whitespace() || "、，,;；/".contains(c);
        text.split(apart)
            .map(|part| bare(before_bracket(part)))
            .filter(|part| !part.is_empty())
            .collect()
    };
    let (told, known) = (parts(told), parts(known));
    bare_of(&told) == bare_of(&known) || told.iter().any(|part| known.contains(part))
}

fn bare_of(parts: &[String]) -> String {
    parts.concat()
}

/// Whether a shop, a school or the like is called so; one name may be the longer one: 便民超市, 高桥村便民超市.
pub fn are_one_name(told: &str, known: &str) -> bool {
    let (told, known) = (bare(told), bare(known));
    let (short, long) = if told.len() <= known.len() { (&told, &known) } else { (&known, &told) };
    told == known || short.chars().count() >= 2 && long.contains(short.as_str())
}

/// So many characters of a matter are enough to know it where the rest was cut off.
const ENOUGH: usize = 6;

/// Whether two texts say the same: marks and blanks aside, or one begins the other and was cut off, or stands within what
/// was told of it elsewhere.
///
/// ```
/// use zoufang::domain::agreeing::are_same_words;
/// assert!(are_same_words("路灯不亮。", "路灯不亮"));
/// assert!(are_same_words("村口第三盏路灯不…", "村口第三盏路灯不亮，请修"));
/// assert!(!are_same_words("路灯不亮", "煤气泄漏"));
/// ```
pub fn are_same_words(told: &str, known: &str) -> bool {
    let was_cut = told.trim_end().ends_with(['…', '.']);
    let (told, known) = (bare(told), bare(known));
    told == known
        || was_cut && told.chars().count() >= ENOUGH && known.starts_with(&told)
        || known.chars().count() >= ENOUGH && told.contains(&known)
}

/// Whether a text that came back from elsewhere may tell of a matter: the same, cut off, or with more around it.
///
/// ```
/// use zoufang::domain::agreeing::tells_of;
/// assert!(tells_of("【高桥村】路灯不亮，请处理", "路灯不亮") && tells_of("村口路灯", "村口路灯不亮"));
/// assert!(!tells_of("煤气泄漏", "路灯不亮"));
/// ```
pub fn tells_of(told: &str, known: &str) -> bool {
    let (bare_told, bare_known) = (bare(told), bare(known));
    let stands_in = |one: &str, other: &str| one.chars().count() >= 2 && other.contains(one);
    are_same_words(told, known)
        || stands_in(&bare_told, &bare_known)
        || stands_in(&bare_known, &bare_told)
}

/// Whether a title may be of what is known by these words: besides the place they have two characters in a row in common.
///
/// ```
/// use zoufang::domain::agreeing::may_be_title;
/// assert!(may_be_title("关于高桥村路灯的诉求", &["路灯不亮"], &["高桥村委会"]));
/// assert!(may_be_title("高桥村诉求", &["路灯不亮"], &["高桥村委会"]));
/// assert!(!may_be_title("高桥村煤气泄漏", &["高桥村路灯不亮"], &["高桥村委会"]));
/// ```
pub fn may_be_title(told: &str, known: &[&str], places: &[&str]) -> bool {
    const SAYS_NOTHING: [&str; 12] = [
        "关于", "有关", "群众", "诉求", "反映", "问题", "情况", "上报", "事件", "工单", "请求",
        "解决",
    ];
    let places = places.iter().map(|place| stem(&bare(place)));
    let without = places
        .filter(|place| place.chars().count() >= 2)
        .fold(bare(told), |told, place| told.replace(&place, "|"));
    let left = SAYS_NOTHING.iter().fold(without, |told, word| told.replace(word, "|"));
    let pairs: Vec<(char, char)> = left
        .chars()
        .zip(left.chars().skip(1))
        .filter(|(one, other)| ![*one, *other].iter().any(|c| "|村的镇".contains(*c)))
        .collect();
    let stands = |(one, other): &(char, char)| {
        known.iter().any(|known| bare(known).contains(&format!("{one}{other}")))
    };
    pairs.is_empty() || pairs.iter().any(stands)
}

/// Whether two addresses may be one: the last number decides, where both have one.
///
/// ```
/// use zoufang::domain::agreeing::may_be_one_address;
/// assert!(may_be_one_address("1号", "高桥村1号") && may_be_one_address("高桥村3组12号", "3组12"));
/// assert!(!may_be_one_address("高桥村2号", "高桥村1号"));
/// ```
pub fn may_be_one_address(told: &str, known: &str) -> bool {
    let last = |text: &str| -> Option<String> {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
        numbers.next_back().map(|run| run.trim_start_matches('0').to_owned())
    };
    match (last(told), last(known)) {
        (Some(told), Some(known)) => told == known,
        _ => true,
    }
}

/// Whether a place is among these names, the nearest first; what's told may name several, as in 柴胡店镇高桥村.
///
/// ```
/// use zoufang::domain::agreeing::lies_in;
/// assert!(lies_in("高桥村", &["高桥村委会", "柴胡店镇"]) && lies_in("柴胡店镇高桥", &["高桥村委会"]));
/// assert!(!lies_in("杨桥村", &["高桥村委会", "柴胡店镇"]));
/// ```
pub fn lies_in(told: &str, names: &[&str]) -> bool {
    let told = told.trim();
    let stem = |name: &str| stem(&bare(name));
    names.iter().any(|name| {
        let short = stem(name);
        are_one_place(told, name)
            || stem(told) == short
            || short.chars().count() >= 2 && bare(told).contains(&short)
    })
}

/// A place's name without what it is.
fn stem(name: &str) -> String {
    let ends = ["村民委员会", "居民委员会", "村委会", "居委会", "社区", "村"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
}
