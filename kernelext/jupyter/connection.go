package jupyter

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/google/uuid"
)

// ConnectionInfo is the content of a connection file: the addresses of a kernel, and the key of its signatures.
type ConnectionInfo struct {
	ShellPort   int    `json:"shell_port"`
	IOPubPort   int    `json:"iopub_port"`
	StdinPort   int    `json:"stdin_port"`
	ControlPort int    `json:"control_port"`
	HBPort      int    `json:"hb_port"`
	IP          string `json:"ip"`
	// Key signs the messages; empty means unsigned.
	Key string `json:"key"`
	// Transport is "tcp", or "ipc", in which case IP is the first part of the socket file's name and the port its end.
	Transport       string `json:"transport"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name,omitempty"`
}

// CreateConnectionFile writes <dir>/kernel-<id>.json, mode 0600, with five free TCP ports of this machine and a new
// key. id must be a UUID: GoNB reads its kernel id from a name of exactly this form.
//
// The ports are held open together until the file is written, so that they differ from each other. Another program may
// take one of them before the kernel binds it: Start tries again in that case.
func CreateConnectionFile(dir, id, kernelName string) (path string, info *ConnectionInfo, err error) {
	info = &ConnectionInfo{
		IP: "127.0.0.1", Transport: "tcp",
		Key: uuid.NewString(), SignatureScheme: Scheme, KernelName: kernelName,
	}
	release, err := info.choosePorts()
	defer release()
	if err != nil {
		return "", nil, err
	}
	data, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return "", nil, fmt.Errorf("jupyter: connection file: %w", err)
	}
	path = filepath.Join(dir, "kernel-"+id+".json")
	if err := writeNew(path, data); err != nil {
		return "", nil, fmt.Errorf("jupyter: connection file: %w", err)
	}
	return path, info, nil
}

// choosePorts opens the five ports; release closes them and may be called in any case.
func (info *ConnectionInfo) choosePorts() (release func(), err error) {
	var listeners []net.Listener
	release = func() {
		for _, listener := range listeners {
			listener.Close()
		}
	}
	for _, port := range []*int{
		&info.ShellPort, &info.IOPubPort, &info.StdinPort, &info.ControlPort, &info.HBPort,
	} {
		listener, err := net.Listen("tcp", net.JoinHostPort(info.IP, "0"))
		if err != nil {
			return release, fmt.Errorf("jupyter: no free port on %s: %w", info.IP, err)
		}
		listeners = append(listeners, listener)
		*port = listener.Addr().(*net.TCPAddr).Port
	}
	return release, nil
}

// writeNew creates a file that only its owner may read and that must not exist before: its readers can run code in the
// kernel.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// ReadConnectionFile reads and checks a connection file.
func ReadConnectionFile(path string) (*ConnectionInfo, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("jupyter: connection file: %w", err)
	}
	info := &ConnectionInfo{}
	if err := json.Unmarshal(data, info); err != nil {
		return nil, fmt.Errorf("jupyter: connection file %s: %w", path, err)
	}
	if err := info.check(); err != nil {
		return nil, fmt.Errorf("jupyter: connection file %s: %w", path, err)
	}
	return info, nil
}

func (info *ConnectionInfo) check() error {
	if info.Transport != "tcp" && info.Transport != "ipc" {
		return fmt.Errorf("transport %q, want tcp or ipc", info.Transport)
	}
	if info.IP == "" {
		return fmt.Errorf("ip is empty, want an address or the name of a socket")
	}
	for _, port := range []int{info.ShellPort, info.IOPubPort, info.StdinPort, info.ControlPort, info.HBPort} {
		if port < 1 || port > 65535 {
			return fmt.Errorf("port %d, want five ports from 1 to 65535", port)
		}
	}
	_, err := info.Signer()
	return err
}

// Signer returns a Signer with the connection's key. An unknown signature scheme is an error.
func (info *ConnectionInfo) Signer() (Signer, error) {
	return NewSigner(info.SignatureScheme, info.Key)
}

// Endpoint returns the ZeroMQ address of one of the connection's ports.
func (info *ConnectionInfo) Endpoint(port int) string {
	network, address := info.dialAddress(port)
	if network == "unix" {
		return "ipc://" + address
	}
	return "tcp://" + address
}

func (info *ConnectionInfo) dialAddress(port int) (network, address string) {
	if info.Transport == "ipc" {
		return "unix", info.IP + "-" + strconv.Itoa(port)
	}
	ip := info.IP
	if ip == "*" || ip == "0.0.0.0" {
		ip = "127.0.0.1" // the kernel listens on all addresses; this one reaches it
	}
	return "tcp", net.JoinHostPort(ip, strconv.Itoa(port))
}
