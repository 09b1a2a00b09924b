//! What is said of a debt that stands as it stands.

/// Holds one whose receiver answered twice by what can't be read.
pub(super) const NOT_UNDERSTOOD: &str =
    "对方两次都回答成功，返回码却读不懂，不再重发：请核对描述文件或渠道的返回码，核实后认定下落";
/// Holds a message that went twice without an answer.
pub(super) const NOT_ANSWERED: &str =
    "发了两次都没有等到回音，可能已送达，不再重发：请看对方是否收到，核实后认定下落";
/// Holds an entry that was sent and that its receiver can't be asked about.
pub const MAY_HAVE_ARRIVED: &str = "可能已送达，但无法向对方查询：请核实后认定下落";
/// Holds one that was looked for in vain for long, without proof that it isn't there.
pub(super) const NOT_PROVED: &str =
    "可能已送达，一直没查到，也证明不了没有送达：请到对方核实后认定下落";
/// Holds one that its receiver has, as it says, and whose number was looked for in vain for long.
pub(super) const NO_NUMBER: &str = "对方说收下了，却没有给编号，也查不到编号，不会重发：请到对方查出编号，用 zoufang outbox resolve 写明 --arrived 编号；对方确实没有的，写明 --absent，会再发";
/// What is said of one that was looked for where nothing of ours is known to be there yet.
pub const NO_CONTROL: &str = "还没有任何一件确知送达的可以用来对照，没有列出不等于没收到";
/// What is said of one that its receiver has, as it says, and doesn't list.
pub(super) const NOT_LISTED: &str = "对方的清单里还没有";
/// Holds one that isn't owed any more and that its receiver can't be asked about.
pub(super) const CANT_BE_ASKED: &str =
    "此前发出的可能已送达，但无法向对方查询：请核实后认定下落，已送达的请对方撤销";
/// What was taken and never settled, as when the process ended.
pub const LEASE_EXPIRED: &str = "发送中断，可能已送达，先核实再重发";
/// What an entry carries couldn't be read from the record.
pub const UNREADABLE: &str = "内容读不出来，稍后再试";
/// The program failed in the midst of an attempt.
pub const BROKEN_OFF: &str = "发送时程序出错，可能已送达，先核实再重发";
