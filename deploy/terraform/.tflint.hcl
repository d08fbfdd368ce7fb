# The bundled rules for Terraform's language, all of them. The AWS ruleset is a plugin.

plugin "terraform" {
  enabled = true
  preset  = "all"
}
