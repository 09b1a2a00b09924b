//! What the kinds of picture share: why one can't be used, and bytes read in order.

/// Why bytes can't be taken as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("不是照片")]
    NoPicture,
    /// Such as HEIC, as some telephones keep photos.
    #[error(
        "这种格式的照片别的手机和电脑打不开，请在相机设置里选「兼容性最佳」后重拍，或者截图后再传"
    )]
    NotForBrowsers,
    #[error("照片不完整或已损坏，请重新拍或重新选")]
    Broken,
    #[error("是会动的图片，请传照片")]
    Moves,
    #[error("照片太大（点数太多），请在相机设置里选小一些的尺寸")]
    TooManyPoints,
}

/// A picture's bytes and its size.
pub type Cleaned = Result<(Vec<u8>, (u32, u32)), Unusable>;

/// Bytes, read in order; nothing where there are none left.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'b>(pub &'b [u8]);

impl<'b> Bytes<'b> {
    pub fn take(&mut self, count: usize) -> Result<&'b [u8], Unusable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unusable::Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn byte(&mut self) -> Result<u8, Unusable> {
        Ok(self.take(1)?[0])
    }

    /// Two bytes, the greater first.
    pub fn short(&mut self) -> Result<u16, Unusable> {
        let [high, low] = self.array()?;
        Ok(u16::from_be_bytes([high, low]))
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Unusable> {
        self.take(N)?.try_into().map_err(|_| Unusable::Broken)
    }
}
