holdfast_tests(conf
  NAMES toml_tree words good bad dump preset examples docs
  LINKS holdfast::conf)
