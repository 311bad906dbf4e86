"""Prints the inventory of a hall of 50 racks with 40 nodes each: what an asset database would export."""

print("name,mac,serial,rack,address,role")
for rack in range(1, 51):
    for node in range(1, 41):
        name, role = f"r{rack:02}n{node:02}", "storage" if node > 36 else "worker"
        print(f"{name},52:54:00:00:{rack:02x}:{node:02x},ABC{rack:02}{node:02},{rack},10.1.{rack}.{node}/16,{role}")
