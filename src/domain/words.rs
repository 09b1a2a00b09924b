//! One macro that gives a closed set of words its code (as stored) and its Chinese (as shown and read).

/// Declares an enum whose variants each have a stable code and one or more Chinese names: the first
/// is shown, all are understood when read from a workbook.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal, $first:literal $(| $other:literal)*;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the plan.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The code that is stored and configured.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            /// The name that people read.
            pub const fn chinese(self) -> &'static str {
                match self { $($name::$variant => $first),+ }
            }

            /// Understands the code and every Chinese name.
            pub fn read(text: &str) -> Option<$name> {
                match text { $($code | $first $(| $other)* => Some($name::$variant),)+ _ => None }
            }

            /// Every Chinese name.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                let names: &'static [&'static str] = match self { $($name::$variant => &[$first $(, $other)*]),+ };
                names.iter().copied()
            }

            /// The names that a person may write, for error messages.
            pub fn choices() -> String {
                [$($first),+].join("、")
            }
        }

        /// As [`Self::read`], or what a person may write: so a command line takes it.
        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                $name::read(text).ok_or_else(|| format!("应为：{}", $name::choices()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.chinese())
            }
        }
    };
}
