//go:build tools

// Package languagehost pins the Python language host for machines that reach only package registries.
package languagehost

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
