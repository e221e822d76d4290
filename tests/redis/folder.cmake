holdfast_tests(redis
  NAMES resp handshake link link_fake calls subscription hub sentinel
  LINKS holdfast::redis holdfast_fakes holdfast_support Threads::Threads)
