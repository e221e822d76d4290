holdfast_tests(conf
  NAMES toml_tree words good bad dump preset examples docs reload
  LINKS holdfast::conf)
