holdfast_library(base
  SOURCES check text log
  LINKS fmt::fmt Threads::Threads
  PRIVATE_LINKS spdlog::spdlog)
