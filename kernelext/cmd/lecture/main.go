// Command lecture sets up the machine, runs the lecture's notebooks and looks after the models that they train.
package main

import (
	"os"

	"deeplearning.example/kernelext/cmd/lecture/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
