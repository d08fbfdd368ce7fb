variable "deployment" {
  description = "Name of the deployment; the secrets' names begin with it and their service's name, which is all that a service may read."
  type        = string
}

variable "secrets" {
  description = "What each secret is, by service and name."
  type        = map(map(string))

  validation {
    condition     = alltrue([for service in keys(var.secrets) : can(regex("^[a-z]+$", service))])
    error_message = "Secrets are named by the service that may read them, such as review."
  }
}

variable "key_arn" {
  description = "KMS key that they are encrypted with."
  type        = string
}
