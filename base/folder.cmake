holdfast_library(base
  SOURCES check histogram json text log
  LINKS fmt::fmt Threads::Threads
  PRIVATE_LINKS spdlog::spdlog)
