holdfast_tests(conf
  NAMES toml_tree words good bad dump examples docs
  LINKS holdfast::conf)
