// Program backendstart starts the backend that a cell would get and prints how many milliseconds that took. It is a
// program because XLA's plugin can be loaded only once a process.
package main

import (
	"fmt"
	"os"
	"time"

	"deeplearning.example/kernelext/device"
)

func main() {
	start := time.Now()
	backend, err := device.Backend()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Since(start).Seconds() * 1000)
	backend.Finalize()
}
