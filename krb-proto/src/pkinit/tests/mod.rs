mod agreement;
mod exchange;
mod path;
mod pki;
mod signatures;
mod transcript;
